import { fileURLToPath } from 'node:url'
import type { Authority } from '@demo/testkit/certificates'
import { type DemoServer, startDemoServer } from '../../test/demo-server.ts'
import { writeFiles } from './files.ts'

const HANDLERS = fileURLToPath(new URL('../servers/handlers/', import.meta.url))

/** The token that a guarded server wants to see. */
export const TOKEN = 'let me in'

/** The flags for handlers of `servers/handlers/`. */
export function handledBy(
  handlers: 'addressed' | 'async' | 'breaking' | 'failing' | 'stuck' | 'telling',
): readonly string[] {
  return ['--handler', `${HANDLERS}${handlers}.mjs`]
}

/** `demo-server` with handlers of `servers/handlers/`. */
export function startHandlerServer(
  handlers: Parameters<typeof handledBy>[0],
  flags: readonly string[] = [],
): Promise<DemoServer> {
  return startDemoServer([...handledBy(handlers), ...flags])
}

/** `demo-server` that lets in whoever has the token. */
export function startGuardedServer(flags: readonly string[] = []): Promise<DemoServer> {
  const [file = ''] = writeFiles({ tokens: `${TOKEN}\n` })
  return startDemoServer(['--auth-tokens-file', file, ...flags])
}

/** `demo-server` with TLS, and a certificate that this authority signed. */
export async function startTlsServer(authority: Authority, flags: readonly string[] = []): Promise<DemoServer> {
  const { cert, key } = await authority.sign('server')
  const [certFile = '', keyFile = ''] = writeFiles({ cert, key })
  return startDemoServer(['--tls-cert', certFile, '--tls-key', keyFile, ...flags])
}

/** `demo-server` with mutual TLS: it lets in whoever has a certificate that this authority signed. */
export function startMutualTlsServer(authority: Authority, flags: readonly string[] = []): Promise<DemoServer> {
  const [ca = ''] = writeFiles({ ca: authority.cert })
  return startTlsServer(authority, ['--tls-ca', ca, '--tls-require-client-cert', ...flags])
}
