import { fileURLToPath } from 'node:url'
import { Program } from '@demo/testkit/program'
import { type DemoServer, listening } from '../../test/demo-server.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const PROBE = path('../servers/memory-probe.mjs')
const MAIN = path('../../dist/main.js')

/** `demo-server` with a probe that tells what it keeps in memory. */
export function startProbedServer(flags: readonly string[] = []): Promise<DemoServer> {
  const node = ['--expose-gc', '--import', PROBE, MAIN]
  return listening(new Program(process.execPath, [...node, '--port', '0', '--metrics-port', '0', ...flags]))
}

/** What it keeps once its garbage is collected, in bytes. */
export async function retainedBytes({ program }: DemoServer): Promise<number> {
  const told = program.stdoutLines.length
  program.signal('SIGUSR2')
  return Number(await program.until('the probe has told', () => program.stdoutLines[told]))
}
