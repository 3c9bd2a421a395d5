import type { Logger } from 'pino'
import { errorText } from '../logging/error-text.ts'

/**
 * Listens for uncaught exceptions and unhandled rejections, and logs them. An unhandled rejection has no other effect.
 *
 * @returns settles at the first uncaught exception: accept no new work then, and drain
 */
export function untilFatalError(log: Logger): Promise<{ error: string }> {
  process.on('unhandledRejection', (reason) => {
    log.error({ error: errorText(reason, 'stack') }, 'a promise was rejected, and nobody heard it')
  })
  return new Promise((resolve) => {
    process.on('uncaughtException', (error) => {
      log.fatal({ error: errorText(error, 'stack') }, 'unexpected error')
      resolve({ error: errorText(error) })
    })
  })
}
