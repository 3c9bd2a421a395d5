import type { Handlers } from '@demo/server'
import type { Logger } from 'pino'

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
    ...(handlers.onTick && { onTick: handlers.onTick.bind(handlers) }),
    ...(handlers.onClose && { onClose: handlers.onClose.bind(handlers) }),
    ...(handlers.onError && { onError: handlers.onError.bind(handlers) }),
  }
}
