import { setMaxListeners } from 'node:events'
import { ExitStatus } from '@demo/cli'

/** Signals of Ctrl-C, of a service manager or `kill`, and of a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Aborts at the first signal, with its name as the reason. The second signal ends the process. */
export function interruptSignal(): AbortSignal {
  const interruption = new AbortController()
  // Each client and each request adds a listener: this is no leak.
  setMaxListeners(0, interruption.signal)
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (interruption.signal.aborted) process.exit(ExitStatus.failed)
      interruption.abort(name)
    })
  }
  return interruption.signal
}
