import { fileURLToPath } from 'node:url'
import type { ServerOptions } from '@demo/server'
import { type DemoServer, listening } from '../../test/demo-server.ts'
import { Program } from '../../test/program.ts'
import { TYPESCRIPT } from './typescript.ts'

const SERVERS = fileURLToPath(new URL('../servers/', import.meta.url))

/** A server with the handlers of `servers/handlers/`. */
export function startHandlerServer(
  handlers: 'async' | 'failing' | 'guarded' | 'stuck',
  options: ServerOptions = {},
  drainTimeout = 10_000,
): Promise<DemoServer> {
  const node = [...TYPESCRIPT, `${SERVERS}handler-server.ts`]
  const args = [`${SERVERS}handlers/${handlers}.mjs`, JSON.stringify(options), String(drainTimeout)]
  return listening(new Program(process.execPath, [...node, ...args]))
}
