import { setTimeout as sleep } from 'node:timers/promises'
import { ExitStatus } from '@demo/cli'
import type { CloseSummary } from '@demo/server'
import type { Logger } from 'pino'
import { CUT_OFF, type StopSignal } from './signals.ts'

/** The result of a drain. */
export interface DrainResult extends CloseSummary {
  /** Connections of workers that died during the drain. */
  readonly lost?: number
  /** Workers that had to be killed. How many of their requests were unanswered is unknown. */
  readonly killed?: number
}

/** What can be stopped: a server in this process, or workers. */
export interface Stoppable {
  /** How many connections are open, as far as it is known without asking a worker. */
  connections(): number
  /** Reports not ready, and still accepts. */
  announce(): void
  /** Answers what was received, and ends. */
  drain(): Promise<DrainResult>
  /** A second signal came: ends at once whatever would outlive this process. */
  abandon(): void
}

/** Nothing to stop: the process has to stop before it has opened anything. */
export const NOTHING_OPEN: Stoppable = {
  connections: () => 0,
  announce() {},
  drain: async () => ({ connections: 0, cutOff: 0, unanswered: 0, duration: 0 }),
  abandon() {},
}

/**
 * Stops in order: reports not ready, waits `drainDelay` for load balancers to see it, then drains. A second signal ends the
 * process at once.
 *
 * @param signal where the next signal comes from
 * @param why what made it stop
 * @param drainDelay in milliseconds
 * @returns the exit status
 */
export async function shutDown(
  running: Stoppable,
  signal: StopSignal,
  why: object,
  drainDelay: number,
  log: Logger,
): Promise<number> {
  running.announce()
  signal.onNext = (name) => {
    log.warn({ signal: name, connections: running.connections() }, 'stopped at once by a second signal')
    running.abandon()
    process.exit(CUT_OFF)
  }
  log.info({ ...why, connections: running.connections(), drainDelay }, 'draining')
  await sleep(drainDelay)
  const { connections, cutOff, unanswered, lost = 0, killed = 0, duration } = await running.drain()
  const more = { ...(lost > 0 ? { lost } : {}), ...(killed > 0 ? { killed } : {}) }
  const facts = { connections, cutOff, unanswered, ...more, duration: Math.round(duration) }
  if (cutOff > 0 || killed > 0) log.warn(facts, 'stopped; the drain deadline cut work off')
  else if (lost > 0) log.error(facts, 'stopped; a worker died in the drain, and its connections with it')
  else log.info(facts, 'stopped')
  if (cutOff > 0 || killed > 0) return CUT_OFF
  return lost > 0 ? ExitStatus.failed : ExitStatus.ok
}
