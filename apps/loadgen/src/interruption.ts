import { setMaxListeners } from 'node:events'
import { ExitStatus } from '@demo/cli'

/** What ends a run: Ctrl-C, a service manager or `kill`, a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Aborts at the first signal, with its name as the reason; the second ends the process. */
export function interruptSignal(): AbortSignal {
  const interruption = new AbortController()
  // Each client and each of its requests listens to it: that is no leak.
  setMaxListeners(0, interruption.signal)
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (interruption.signal.aborted) process.exit(ExitStatus.failed)
      interruption.abort(name)
    })
  }
  return interruption.signal
}
