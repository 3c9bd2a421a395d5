import { Float64Histogram, type JsHistogram } from 'hdr-histogram-js'

const NS_PER_MS = 1e6
const ONE_HOUR = 3.6e6 * NS_PER_MS

/** Beyond the histogram's own precision; and so few that nobody takes noise for knowledge. */
const REPORTED_DIGITS = 5

/** What is told of a distribution, in milliseconds. All null when there is nothing in it: nothing was answered. */
export interface Summary {
  readonly min: number | null
  readonly mean: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** What a distribution is kept as between threads, of as many digits. */
export interface PackedDistribution {
  /** In nanoseconds. */
  readonly min: number
  readonly max: number
  /** Where in the histogram, how often, where, how often, … */
  readonly counts: Float64Array
}

/**
 * Times of every single request, in an HdrHistogram from a nanosecond to an hour. Smallest and largest are exact, what
 * is between them is kept to some significant digits.
 */
export class Distribution {
  /** In nanoseconds. */
  readonly histogram: JsHistogram
  #min = Number.POSITIVE_INFINITY
  #max = 0

  /** @param digits how exact it is: 3 is within 0.05 %, 2 within 0.4 % and an eighth of the memory */
  constructor(digits: 2 | 3 = 3) {
    this.histogram = new Float64Histogram(1, ONE_HOUR, digits)
  }

  /** Records one time so many times. */
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

  // The histogram's own iterators do what the loops below do in many times the time: that would make requests late.

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

  /** Adds what another one of as many digits has recorded. */
  add({ min, max, counts }: PackedDistribution): void {
    if (counts.length === 0) return
    const { histogram } = this
    for (let i = 0; i < counts.length; i += 2) {
      histogram.addToCountAtIndex(counts[i], counts[i + 1])
      histogram.addToTotalCount(counts[i + 1])
    }
    histogram.updateMinAndMax(min)
    histogram.updateMinAndMax(max)
    this.#min = Math.min(this.#min, min)
    this.#max = Math.max(this.#max, max)
  }

  /** @returns in milliseconds, null when nothing was recorded */
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
    // The middle of what the histogram takes for equal, not its upper end: so it errs half as much, and either way.
    const middle = histogram.medianEquivalentValue(histogram.valueFromIndex(at))
    return reported(Math.min(this.#max, Math.max(this.#min, middle)))
  }

  /** Where the histogram has its first count, and where its last; nowhere when nothing was recorded. */
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

/** What is told of a distribution of nothing. */
export const EMPTY_SUMMARY: Summary = { min: null, mean: null, p50: null, p90: null, p99: null, p999: null, max: null }

/** Nanoseconds as the milliseconds that are told. */
const reported = (nanoseconds: number) => Number((nanoseconds / NS_PER_MS).toPrecision(REPORTED_DIGITS))
