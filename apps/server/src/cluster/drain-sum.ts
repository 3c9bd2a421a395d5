import { CUT_OFF } from '../signals.ts'
import type { DrainResult } from '../stopping.ts'
import type { Exit, KnownWorker } from './known-worker.ts'

/** What came of the drain of all workers. */
export class DrainSum {
  readonly #startedAt = performance.now()
  readonly #open: ReadonlyMap<KnownWorker, number>
  #connections = 0
  #cutOff = 0
  #unanswered = 0
  #lost = 0
  #killed = 0

  /** @param workers those that there are when it begins */
  constructor(workers: Iterable<KnownWorker>) {
    this.#open = new Map([...workers].map((worker) => [worker, worker.connections]))
  }

  /** A worker has ended. */
  add(worker: KnownWorker, { status }: Exit): void {
    const { summary, listened, killed } = worker
    if (summary !== undefined) {
      // One that was leaving before has counted what is none of this drain's.
      this.#connections += worker.leaving ? (this.#open.get(worker) ?? 0) : summary.connections
      this.#cutOff += summary.cutOff
      this.#unanswered += summary.unanswered
      return
    }
    // One that never listened had nothing; one that ended by itself without a word had nothing left.
    if (!listened || status === 0) return
    if (killed || status === CUT_OFF) {
      this.#connections += worker.connections
      this.#cutOff += worker.connections
      this.#killed += 1
    } else {
      this.#connections += worker.connections
      this.#lost += worker.connections
    }
  }

  get result(): DrainResult {
    return {
      connections: this.#connections,
      cutOff: this.#cutOff,
      unanswered: this.#unanswered,
      lost: this.#lost,
      killed: this.#killed,
      duration: performance.now() - this.#startedAt,
    }
  }
}
