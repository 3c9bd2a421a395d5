import type { Server } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from './flags.ts'

/**
 * Settles when something was thrown that nobody caught: what the process has in hand is not to be trusted with new work
 * any more, but what was received can still be answered. A promise that was rejected unheard is logged, and no more.
 */
export function whenBroken(log: Logger): Promise<{ error: string }> {
  process.on('unhandledRejection', (reason) => {
    log.error({ error: stackOf(reason) }, 'a promise was rejected, and nobody heard it')
  })
  return new Promise((resolve) => {
    process.on('uncaughtException', (error) => {
      log.fatal({ error: stackOf(error) }, 'unexpected error')
      resolve({ error: error instanceof Error ? error.message : String(error) })
    })
  })
}

/** Says so where the system allows fewer connections than the configuration. */
export function warnOfOpenFiles({ maxConnections }: Server, config: Config, log: Logger): void {
  const wanted = config.maxConnections === 0 ? Number.POSITIVE_INFINITY : config.maxConnections
  if (maxConnections < wanted) log.warn({ maxConnections }, 'the limit of open files allows fewer connections')
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}
