import type { KnownWorker } from './known-worker.ts'
import { BEAT } from './messages.ts'

/** A worker that was not heard of for so long accepts nothing, in milliseconds: nobody leaves connections to it. */
const STUCK = 5 * BEAT

/** Tells each worker how many connections the emptiest of the others has: at once when that changes, and at each beat. */
export class Evenness {
  readonly #workers: () => Iterable<KnownWorker>
  #due: NodeJS.Immediate | undefined

  constructor(workers: () => Iterable<KnownWorker>) {
    this.#workers = workers
    setInterval(() => this.tell(true), BEAT).unref()
  }

  /** The connections, or the workers, have changed. */
  changed(): void {
    this.#due ??= setImmediate(() => this.tell(false))
  }

  /** @param again also those who know it */
  tell(again: boolean): void {
    this.#due = undefined
    const now = performance.now()
    const accepting = [...this.#workers()].filter((worker) => worker.accepting)
    const turning = accepting.filter(({ heardAt }) => now - heardAt < STUCK)
    // To one that is stuck nothing is sent: what it does not read would pile up here.
    for (const worker of turning) {
      const others = turning.filter((other) => other !== worker)
      worker.tellFewest(Math.min(...others.map(({ connections }) => connections)), again)
    }
  }
}
