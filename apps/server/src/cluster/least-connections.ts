import { HEARTBEAT_INTERVAL } from './messages.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** A worker without a heartbeat for this time, in milliseconds, is stuck: it accepts nothing, and does not count. */
const STUCK_AFTER = 5 * HEARTBEAT_INTERVAL

/** Sends each worker the fewest connections that another one has: when that number changes, and at each heartbeat. */
export class LeastConnections {
  readonly #workers: () => Iterable<WorkerHandle>
  #due: NodeJS.Immediate | undefined

  constructor(workers: () => Iterable<WorkerHandle>) {
    this.#workers = workers
    setInterval(() => this.send(true), HEARTBEAT_INTERVAL).unref()
  }

  /** The connections, or the workers, have changed. */
  changed(): void {
    this.#due ??= setImmediate(() => this.send(false))
  }

  /** @param unchanged also sends numbers that have not changed */
  send(unchanged: boolean): void {
    this.#due = undefined
    const now = performance.now()
    const accepting = [...this.#workers()].filter((worker) => worker.accepting)
    const responsive = accepting.filter(({ heardAt }) => now - heardAt < STUCK_AFTER)
    // A stuck worker gets nothing: messages that it does not read would pile up in this process.
    for (const worker of responsive) {
      const others = responsive.filter((other) => other !== worker)
      worker.sendFewest(Math.min(...others.map(({ connections }) => connections)), unchanged)
    }
  }
}
