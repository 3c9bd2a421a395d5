import type { MetricsEndpoint } from '@demo/metrics'
import type { Server } from '@demo/server'
import type { Logger } from 'pino'

/** Exit status: the drain deadline, or a second signal, cut work off. */
const CUT_OFF = 4

/** What has to stop, when, and how long that may take in milliseconds. */
export interface Running {
  /** The signal to stop; listened for since before anybody knew that we run. */
  readonly signal: Promise<NodeJS.Signals>
  readonly server: Server
  readonly metrics: MetricsEndpoint
  readonly drainTimeout: number
  readonly log: Logger
}

/**
 * Waits for the signal, then drains. A second one ends the process at once.
 *
 * @returns the exit status
 */
export async function untilStopped({ server, metrics, drainTimeout, log, ...running }: Running): Promise<number> {
  const signal = await running.signal
  log.info({ signal, connections: server.sessions.size }, 'draining')
  void nextSignal().then((second) => {
    log.warn({ signal: second, connections: server.sessions.size }, 'stopped at once by a second signal')
    process.exit(CUT_OFF)
  })
  const summary = await server.close({ timeout: drainTimeout })
  await metrics.close()
  const { connections, cutOff, unanswered, duration } = summary
  const facts = { connections, cutOff, unanswered, duration: Math.round(duration) }
  if (cutOff === 0) log.info(facts, 'stopped')
  else log.warn(facts, 'stopped; the drain deadline cut work off')
  return cutOff === 0 ? 0 : CUT_OFF
}

/** The next SIGTERM or SIGINT. */
export function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      resolve(signal)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
