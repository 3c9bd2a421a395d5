import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { startNode } from '../../bench/peers.ts'
import type * as Soak from '../attacks/soak.ts'
import { Attacker } from './attacker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Requests a second that server and load can do together on this machine, while nothing else runs. */
    capacity: number
  }
}

/** Connections of the soak, and of what its load is a half of. */
export const SOAK_CONNECTIONS = 100

const DURATION = 2000

/** Measured before any test begins: half of it is what the soak is about, and other rows run beside the soak. */
export async function setup(project: TestProject): Promise<void> {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
  const server = await startNode(main, ['--port', '0', '--metrics-port', '0'])
  const load = new Attacker<typeof Soak>('soak')
  try {
    project.provide('capacity', await load.do('capacity', server.port, SOAK_CONNECTIONS, DURATION))
  } finally {
    load.kill()
    await server.stop()
  }
}
