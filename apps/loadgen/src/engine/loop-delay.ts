import { Distribution } from './distribution.ts'

const INTERVAL = 10

/**
 * How late the timers of this thread's event loop fire, and how busy it is. The histograms of Node's own
 * `monitorEventLoopDelay` can't be merged across threads.
 */
export class LoopDelay {
  readonly delays = new Distribution()
  readonly #timer: NodeJS.Timeout
  #before = performance.now()
  #utilization = performance.eventLoopUtilization()

  constructor() {
    this.#timer = setInterval(() => this.#measure(), INTERVAL)
  }

  /** Starts again from zero. */
  reset(): void {
    this.delays.clear()
    this.#before = performance.now()
    this.#utilization = performance.eventLoopUtilization()
  }

  /** The share of time in which the event loop was busy since the reset, from 0 to 1. */
  busy(): number {
    return performance.eventLoopUtilization(this.#utilization).utilization
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #measure(): void {
    const now = performance.now()
    this.delays.record(Math.max(0, now - this.#before - INTERVAL), 1)
    this.#before = now
  }
}
