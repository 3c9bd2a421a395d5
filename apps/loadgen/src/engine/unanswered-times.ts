import type { Distribution } from './distribution.ts'

/** The most different times for requests that are added together. */
const MAX_STEPS = 1000

/** Since when requests without an answer have waited, to the millisecond. Memory depends on time, not on requests. */
export class UnansweredTimes {
  /** Counts by the millisecond in which the waiting began. */
  readonly #counts = new Map<number, number>()

  add(since: number, count = 1): void {
    // Rounded up, so that no request counts as longer than it waited.
    const millisecond = Math.ceil(since)
    this.#counts.set(millisecond, (this.#counts.get(millisecond) ?? 0) + count)
  }

  /** Adds requests that are spread evenly over a time. */
  addSpread(from: number, to: number, count: number): void {
    const steps = Math.max(1, Math.min(MAX_STEPS, count, Math.ceil(to - from)))
    for (let step = 0; step < steps; step++) {
      const upTo = (part: number) => Math.floor((count * part) / steps)
      this.add(from + ((to - from) * step) / steps, upTo(step + 1) - upTo(step))
    }
  }

  /**
   * Records how long each has waited by now, but at least `least`.
   *
   * @returns how many there are
   */
  recordInto(distribution: Distribution, now: number, least: number): number {
    let total = 0
    for (const [since, count] of this.#counts) {
      distribution.record(Math.max(least, now - since), count)
      total += count
    }
    return total
  }
}
