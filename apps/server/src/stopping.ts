import { setTimeout as sleep } from 'node:timers/promises'
import type { CloseSummary } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from './flags.ts'
import { nextStopSignal } from './signals.ts'

/** Exit status: the drain deadline, or a second signal, cut work off. */
export const CUT_OFF = 4

/** What can be stopped. */
export interface Stoppable {
  /** How many connections are open, as far as it is known: nobody is asked who might not answer. */
  connections(): number
  /** Not ready any more, but still accepting. */
  announce(): void
  /** Answers what was received, and ends. */
  drain(): Promise<CloseSummary>
  /** The drain takes too long for somebody: ends whatever would outlive this process. */
  abandon(): void
}

/**
 * Stops in order: load balancers are told, then given `drainDelay` to know it, then the drain. A second signal ends the
 * process at once.
 *
 * @param why what made it stop
 * @returns the exit status
 */
export async function stop(running: Stoppable, why: object, { drainDelay }: Config, log: Logger): Promise<number> {
  running.announce()
  void nextStopSignal().then((signal) => {
    log.warn({ signal, connections: running.connections() }, 'stopped at once by a second signal')
    running.abandon()
    process.exit(CUT_OFF)
  })
  log.info({ ...why, connections: running.connections(), drainDelay }, 'draining')
  await sleep(drainDelay)
  const { connections, cutOff, unanswered, duration } = await running.drain()
  const facts = { connections, cutOff, unanswered, duration: Math.round(duration) }
  if (cutOff === 0) log.info(facts, 'stopped')
  else log.warn(facts, 'stopped; the drain deadline cut work off')
  return cutOff === 0 ? 0 : CUT_OFF
}
