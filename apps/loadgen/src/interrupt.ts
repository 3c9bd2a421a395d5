import { setMaxListeners } from 'node:events'
import { ExitStatus } from '@demo/cli'

/** Aborts at the first SIGINT; the second ends the process. */
export function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController()
  // Each client and each of its requests listens to it: that is no leak.
  setMaxListeners(0, interrupted.signal)
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(ExitStatus.failed))
    interrupted.abort()
  })
  return interrupted.signal
}
