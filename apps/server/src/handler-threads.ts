import { OptionError, parseCount } from '@demo/cli'
import type { Handlers } from '@demo/server'
import type { Logger } from 'pino'

/** As many as `inThreads` takes. */
const MOST = 1024

/**
 * Reads how many threads run `onSubmit`.
 *
 * @throws OptionError that says what is allowed
 */
export function parseHandlerThreads(text: string): number {
  const count = /^\d+$/.test(text) ? parseCount(text) : -1
  if (count < 0 || count > MOST) throw new OptionError(`it must be a number from 0 (no threads) to ${MOST}`)
  return count
}

/** The same handlers, with `onSubmit` in threads. The others stay in the main thread. */
export async function moveToThreads(
  url: string,
  handlers: Handlers,
  threads: number,
  loadTimeout: number,
  log: Logger,
): Promise<Handlers> {
  // Imported here: without threads the library behind them is not loaded.
  const { inThreads } = await import('@demo/server/threads')
  const onSubmit = await inThreads(url, {
    threads,
    loadTimeout,
    onIdleDeath: (error) => log.error({ error: error.message }, 'a handler thread died'),
  })
  return {
    onSubmit,
    ...(handlers.onConn && { onConn: handlers.onConn.bind(handlers) }),
    ...(handlers.onOpen && { onOpen: handlers.onOpen.bind(handlers) }),
    ...(handlers.onClose && { onClose: handlers.onClose.bind(handlers) }),
    ...(handlers.onError && { onError: handlers.onError.bind(handlers) }),
  }
}
