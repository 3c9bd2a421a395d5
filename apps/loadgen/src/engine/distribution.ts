import { Float64Histogram, type JsHistogram } from 'hdr-histogram-js'

/** Nanoseconds in a millisecond. */
export const NS_PER_MS = 1e6
const ONE_HOUR = 3.6e6 * NS_PER_MS

/** Significant digits of reported times: more than the histogram's precision. */
const REPORTED_DIGITS = 5

/** Key figures of a distribution, in milliseconds. All are null if it is empty: nothing was answered. */
export interface Summary {
  readonly min: number | null
  readonly mean: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** A distribution as it is sent between threads. */
export interface PackedDistribution {
  /** In nanoseconds. */
  readonly min: number
  readonly max: number
  /** Pairs of an index in the histogram and its count. */
  readonly counts: Float64Array
}

/**
 * The time of every request, in an HdrHistogram from a nanosecond to an hour. Minimum and maximum are exact, the others
 * have some significant digits.
 */
export class Distribution {
  /** In nanoseconds. */
  readonly histogram: JsHistogram
  #min = Number.POSITIVE_INFINITY
  #max = 0

  /** @param digits significant digits: 3 is within 0.05 %, 2 is within 0.4 % and takes an eighth of the memory */
  constructor(digits: 2 | 3 = 3) {
    this.histogram = new Float64Histogram(1, ONE_HOUR, digits)
  }

  /** Records a time, `count` times. */
  record(milliseconds: number, count: number): void {
    const nanoseconds = Math.min(ONE_HOUR, Math.max(1, Math.round(milliseconds * NS_PER_MS)))
    if (nanoseconds < this.#min) this.#min = nanoseconds
    if (nanoseconds > this.#max) this.#max = nanoseconds
    this.histogram.recordValueWithCount(nanoseconds, count)
  }

  get count(): number {
    return this.histogram.totalCount
  }

  clear(): void {
    this.histogram.reset()
    this.#min = Number.POSITIVE_INFINITY
    this.#max = 0
  }

  // These loops are much faster than the histogram's own iterators, which would make requests late.

  pack(): PackedDistribution {
    const { histogram } = this
    const counts: number[] = []
    const [first, last] = this.#indices()
    for (let i = first; i <= last; i++) {
      const count = histogram.getCountAtIndex(i)
      if (count > 0) counts.push(i, count)
    }
    return { min: this.#min, max: this.#max, counts: Float64Array.from(counts) }
  }

  /** Adds a distribution with the same number of digits. */
  add({ min, max, counts }: PackedDistribution): void {
    if (counts.length === 0) return
    const { histogram } = this
    for (let i = 0; i < counts.length; i += 2) {
      const [index = 0, count = 0] = [counts[i], counts[i + 1]]
      histogram.addToCountAtIndex(index, count)
      histogram.addToTotalCount(count)
    }
    histogram.updateMinAndMax(min)
    histogram.updateMinAndMax(max)
    this.#min = Math.min(this.#min, min)
    this.#max = Math.max(this.#max, max)
  }

  /** @returns milliseconds; null if nothing was recorded */
  percentile(percentile: number): number | null {
    if (this.count === 0) return null
    const { histogram } = this
    const wanted = Math.max(1, Math.round((percentile / 100) * this.count))
    const [first, last] = this.#indices()
    let at = first
    for (let seen = histogram.getCountAtIndex(at); seen < wanted && at < last; ) {
      at += 1
      seen += histogram.getCountAtIndex(at)
    }
    // The middle of the values that the histogram does not distinguish: the error is half of that of the upper end.
    const middle = histogram.medianEquivalentValue(histogram.valueFromIndex(at))
    return reported(Math.min(this.#max, Math.max(this.#min, middle)))
  }

  /** The first and the last index that have counts; an empty range if nothing was recorded. */
  #indices(): readonly [first: number, last: number] {
    if (this.count === 0) return [0, -1]
    return [this.histogram.countsArrayIndex(this.#min), this.histogram.countsArrayIndex(this.#max)]
  }

  summarize(): Summary {
    if (this.count === 0) return EMPTY_SUMMARY
    return {
      min: reported(this.#min),
      mean: reported(Math.min(this.#max, Math.max(this.#min, this.histogram.mean))),
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
      p999: this.percentile(99.9),
      max: reported(this.#max),
    }
  }
}

/** The summary of an empty distribution. */
export const EMPTY_SUMMARY: Summary = { min: null, mean: null, p50: null, p90: null, p99: null, p999: null, max: null }

/** Nanoseconds as reported milliseconds. */
const reported = (nanoseconds: number) => Number((nanoseconds / NS_PER_MS).toPrecision(REPORTED_DIGITS))
