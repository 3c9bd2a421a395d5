import type { DrainResult } from '../lifecycle/shutdown.ts'
import { CUT_OFF } from '../lifecycle/signals.ts'
import type { Exit, WorkerHandle } from './worker-handle.ts'

/** Adds up the drains of all workers. */
export class DrainSummary {
  readonly #startedAt = performance.now()
  readonly #open: ReadonlyMap<WorkerHandle, number>
  #connections = 0
  #cutOff = 0
  #unanswered = 0
  #lost = 0
  #killed = 0

  /** @param workers all workers at the beginning of the drain */
  constructor(workers: Iterable<WorkerHandle>) {
    this.#open = new Map([...workers].map((worker) => [worker, worker.connections]))
  }

  /** A worker has ended. */
  add(worker: WorkerHandle, { status }: Exit): void {
    const { summary, listened, killed } = worker
    if (summary !== undefined) {
      // A worker that was leaving before has also counted connections that ended before this drain.
      this.#connections += worker.leaving ? (this.#open.get(worker) ?? 0) : summary.connections
      this.#cutOff += summary.cutOff
      this.#unanswered += summary.unanswered
      return
    }
    // A worker that never listened had no connections. One that ended with status 0 had none left.
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
