import type { Distribution } from './distribution.ts'

/** How many different times requests that are counted all at once are given, at most. */
const MAX_STEPS = 1000

/** Since when requests have waited that will never be answered: to the millisecond, however many they are. */
export class UnansweredTimes {
  /** How many, by the whole millisecond they have waited since. */
  readonly #counts = new Map<number, number>()

  add(since: number, count = 1): void {
    // Rounded up: no request waited for less than is told.
    const millisecond = Math.ceil(since)
    this.#counts.set(millisecond, (this.#counts.get(millisecond) ?? 0) + count)
  }

  /** Adds many that are spread evenly over a time. */
  addSpread(from: number, to: number, count: number): void {
    const steps = Math.max(1, Math.min(MAX_STEPS, count, Math.ceil(to - from)))
    for (let step = 0; step < steps; step++) {
      const upTo = (part: number) => Math.floor((count * part) / steps)
      this.add(from + ((to - from) * step) / steps, upTo(step + 1) - upTo(step))
    }
  }

  /**
   * Records how long they have waited by now, or the least that they are to count as.
   *
   * @returns how many they are
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
