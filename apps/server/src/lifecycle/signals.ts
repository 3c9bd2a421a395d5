const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Exit status: the drain deadline, or a second signal, cut work off. */
export const CUT_OFF = 4

/**
 * Listens for SIGTERM and SIGINT from its construction on. The first asks for a stop; the second ends the process at once,
 * also while it starts.
 */
export class StopSignal {
  readonly received: Promise<NodeJS.Signals>
  /** The first signal, once it has come. */
  name: NodeJS.Signals | undefined
  #next: ((signal: NodeJS.Signals) => void) | undefined

  constructor() {
    this.received = new Promise((resolve) => {
      const onSignal = (signal: NodeJS.Signals) => {
        if (this.name !== undefined) this.#endAtOnce(signal)
        else if (this.#next !== undefined) this.#next(signal)
        else {
          this.name = signal
          resolve(signal)
        }
      }
      for (const name of STOP_SIGNALS) process.on(name, onSignal)
    })
  }

  /** Sets what the next signal does once the process stops: the second one, or the first if the stop had another cause. */
  set onNext(next: (signal: NodeJS.Signals) => void) {
    this.#next = next
  }

  #endAtOnce(signal: NodeJS.Signals): void {
    if (this.#next === undefined) process.exit(CUT_OFF)
    this.#next(signal)
  }
}
