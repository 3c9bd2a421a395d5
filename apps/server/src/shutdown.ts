import type { MetricsEndpoint } from '@demo/metrics'
import type { Server } from '@demo/server'
import type { Logger } from 'pino'

/** Exit status: the drain deadline, or a second signal, cut work off. */
const CUT_OFF = 4

/** What has to stop, and how long that may take in milliseconds. */
export interface Running {
  readonly server: Server
  readonly metrics: MetricsEndpoint
  readonly drainTimeout: number
  readonly log: Logger
}

/**
 * Waits for SIGTERM or SIGINT, then drains. A second signal ends the process at once.
 *
 * @returns the exit status
 */
export async function untilStopped({ server, metrics, drainTimeout, log }: Running): Promise<number> {
  const signal = await nextSignal()
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

function nextSignal(): Promise<NodeJS.Signals> {
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
