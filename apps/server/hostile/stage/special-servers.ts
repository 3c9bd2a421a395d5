import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type DemoServer, startDemoServer } from '../../test/demo-server.ts'

const HANDLERS = fileURLToPath(new URL('../servers/handlers/', import.meta.url))

/** The token that a guarded server wants to see. */
export const TOKEN = 'let me in'

/** `demo-server` with handlers of `servers/handlers/`. */
export function startHandlerServer(
  handlers: 'async' | 'failing' | 'stuck',
  flags: readonly string[] = [],
): Promise<DemoServer> {
  return startDemoServer(['--handler', `${HANDLERS}${handlers}.mjs`, ...flags])
}

/** `demo-server` that lets in whoever has the token. */
export function startGuardedServer(flags: readonly string[] = []): Promise<DemoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tokens-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'tokens')
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 })
  return startDemoServer(['--auth-tokens-file', file, ...flags])
}
