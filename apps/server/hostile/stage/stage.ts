import { setTimeout as sleep } from 'node:timers/promises'
import { type DemoServer, startDemoServer } from '../../test/demo-server.ts'
import type { Figures } from './figures.ts'
import { type HealthyClient, type HealthyOptions, startHealthyClient } from './healthy-client.ts'
import { ProcessMeter } from './process-meter.ts'

/** The level from which on a line of the log tells of an error. */
const ERROR_LEVEL = 50

/** Rarely enough for what is asked, a scrape of the metrics for one, to cost the server next to nothing. */
const POLL_INTERVAL = 100

/** A server to attack, what it costs, and a client that must not feel it. */
export interface Stage {
  readonly server: DemoServer
  readonly meter: ProcessMeter
  readonly healthy: HealthyClient
}

/** Starts `demo-server` with these flags, and its healthy client. */
export function setStage(flags: readonly string[] = [], options?: HealthyOptions): Promise<Stage> {
  return stageOf(startDemoServer(flags), options)
}

/** The stage of a server that was started otherwise. */
export async function stageOf(starting: Promise<DemoServer>, options?: HealthyOptions): Promise<Stage> {
  const server = await starting
  const { pid } = server.program
  if (pid === undefined) throw new Error('the server did not start')
  return { server, meter: new ProcessMeter(pid), healthy: await startHealthyClient(server.port, options) }
}

/** Notes how the healthy client was, drains the server, and looks whether more went wrong in it than was asked for. */
export async function strikeStage({ server, healthy }: Stage, figures: Figures, wantedErrors = 0): Promise<void> {
  await healthy.note(figures)
  await strikeServer(server, figures, wantedErrors)
}

/** Drains a server, and looks whether more went wrong in it than was asked for. */
export async function strikeServer(server: DemoServer, figures: Figures, wantedErrors = 0): Promise<void> {
  server.program.signal('SIGTERM')
  const { status } = await server.program.exit()
  figures.exactly('exit status after SIGTERM', status ?? Number.NaN, 0)
  const errors = server.log.filter(({ level }) => Number(level) >= ERROR_LEVEL)
  figures.exactly('errors in the log', errors.length, wantedErrors)
}

/** Waits until so many connections are open, the healthy client's among them. */
export async function untilConnected({ server }: Stage, connections: number, patience = 10_000): Promise<void> {
  const deadline = performance.now() + patience
  for (;;) {
    const connected = (await server.scrape()).value('client_connected')
    if (connected === connections) return
    if (performance.now() > deadline) throw new Error(`${connected} are connected, not ${connections}`)
    await sleep(POLL_INTERVAL)
  }
}

/** How long something takes to become true, in seconds; infinite after `patience` milliseconds. */
export async function timeUntil(isTrue: () => boolean | Promise<boolean>, patience = 5000): Promise<number> {
  const start = performance.now()
  while (!(await isTrue())) {
    if (performance.now() - start > patience) return Number.POSITIVE_INFINITY
    await sleep(POLL_INTERVAL)
  }
  return (performance.now() - start) / 1000
}
