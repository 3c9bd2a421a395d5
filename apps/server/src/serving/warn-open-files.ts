import type { Server } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from '../config/flags.ts'

/** Logs a warning if the system allows fewer connections than the configuration. */
export function warnOfOpenFiles({ maxConnections }: Server, config: Config, log: Logger): void {
  const wanted = config.maxConnections === 0 ? Number.POSITIVE_INFINITY : config.maxConnections
  if (maxConnections < wanted) log.warn({ maxConnections }, 'the limit of open files allows fewer connections')
}
