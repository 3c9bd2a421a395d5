const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** The next SIGTERM or SIGINT, from the moment on in which this is made. */
export class StopSignal {
  readonly received: Promise<NodeJS.Signals>
  /** Which it was, once it has come. */
  name: NodeJS.Signals | undefined

  constructor() {
    this.received = new Promise((resolve) => {
      const stop = (signal: NodeJS.Signals) => {
        for (const name of STOP_SIGNALS) process.off(name, stop)
        this.name = signal
        resolve(signal)
      }
      for (const name of STOP_SIGNALS) process.on(name, stop)
    })
  }
}
