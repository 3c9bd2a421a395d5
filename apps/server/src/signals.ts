const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Exit status: the drain deadline, or a second signal, cut work off. */
export const CUT_OFF = 4

/**
 * SIGTERM and SIGINT, from the moment on in which this is made. The first asks for a stop; any other ends the process at
 * once, also while it starts.
 */
export class StopSignal {
  readonly received: Promise<NodeJS.Signals>
  /** Which it was, once it has come. */
  name: NodeJS.Signals | undefined
  #next: ((signal: NodeJS.Signals) => void) | undefined

  constructor() {
    this.received = new Promise((resolve) => {
      const heard = (signal: NodeJS.Signals) => {
        if (this.name !== undefined) this.#endAtOnce(signal)
        else if (this.#next !== undefined) this.#next(signal)
        else {
          this.name = signal
          resolve(signal)
        }
      }
      for (const name of STOP_SIGNALS) process.on(name, heard)
    })
  }

  /** Sets what the next signal does, now that the process stops: the second one, or the first where none asked for it. */
  set onNext(next: (signal: NodeJS.Signals) => void) {
    this.#next = next
  }

  #endAtOnce(signal: NodeJS.Signals): void {
    if (this.#next === undefined) process.exit(CUT_OFF)
    this.#next(signal)
  }
}
