import { Distribution } from './distribution.ts'

const INTERVAL = 10

/**
 * How late the timers of this thread's event loop are, and how much of the time it does something. Node's own
 * `monitorEventLoopDelay` says the same, but of one thread only: its histograms can't be put together.
 */
export class LoopDelay {
  readonly delays = new Distribution()
  readonly #timer: NodeJS.Timeout
  #before = performance.now()
  #utilization = performance.eventLoopUtilization()

  constructor() {
    this.#timer = setInterval(() => this.#look(), INTERVAL)
  }

  /** Begins anew. */
  reset(): void {
    this.delays.clear()
    this.#before = performance.now()
    this.#utilization = performance.eventLoopUtilization()
  }

  /** How much of the time since then the event loop was busy, from 0 to 1. */
  busy(): number {
    return performance.eventLoopUtilization(this.#utilization).utilization
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    this.delays.record(Math.max(0, now - this.#before - INTERVAL), 1)
    this.#before = now
  }
}
