/** A part of a load in which the rate changes linearly. */
export interface Stage {
  /** In milliseconds. */
  readonly duration: number
  /** At its end, in requests a second. */
  readonly rate: number
}

/** A stage with its beginning. Rates are per millisecond. */
interface Segment {
  readonly at: number
  readonly duration: number
  /** How many requests were due before it, and in it. */
  readonly before: number
  readonly count: number
  readonly rate: number
  /** How much the rate grows in a millisecond. */
  readonly slope: number
}

/**
 * A rate that changes in stages: when a request is due, and how many are due by a time. Times are in milliseconds since
 * the beginning.
 *
 * ```
 *  rate          ________
 *         ______/        \\
 *        /                \\
 *  0    |  10s |  30s  | 5s|      --stage 10s:50k --stage 30s:50k --stage 5s:0, and so on
 * ```
 */
export class RateCurve {
  readonly #segments: readonly Segment[]

  /** @param rate at the beginning, in requests a second */
  constructor(rate: number, stages: readonly Stage[]) {
    let [at, before, from] = [0, 0, rate / 1000]
    this.#segments = stages.map((stage) => {
      const { duration } = stage
      const to = stage.rate / 1000
      // Without rounding, 0.4 and 0.8 a millisecond give 600.0000000000001 in a second: one request too many.
      const count = Math.round(((from + to) / 2) * duration * 1e9) / 1e9
      const segment = { at, duration, before, count, rate: from, slope: (to - from) / duration }
      at += duration
      before += count
      from = to
      return segment
    })
  }

  /** When a request is due, by its number; infinite if the stages have fewer requests. */
  timeOf(number: number): number {
    const segment = this.#segments.find(({ before, count }) => number < before + count)
    if (segment === undefined) return Number.POSITIVE_INFINITY
    const { at, rate, slope } = segment
    const left = number - segment.before
    if (left <= 0) return at
    // Solves integral(rate) = left. This form of the root loses no digits if the slope is small.
    const root = Math.sqrt(Math.max(0, rate * rate + 2 * slope * left))
    return at + Math.min(segment.duration, (2 * left) / (rate + root))
  }

  /** How many requests are due by a time; not a whole number. */
  numberBy(time: number): number {
    const segment = this.#segments.findLast(({ at }) => at <= time)
    if (segment === undefined) return 0
    const { before, rate, slope, duration, at } = segment
    const within = Math.min(duration, time - at)
    return before + rate * within + (slope * within * within) / 2
  }
}
