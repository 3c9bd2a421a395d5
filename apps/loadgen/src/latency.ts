import { build, type Histogram } from 'hdr-histogram-js'

const NANOSECONDS = 1e6
const ONE_HOUR = 3.6e6 * NANOSECONDS

/** What is told of a distribution of latencies, in milliseconds. */
export interface LatencySummary {
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Latencies of every single request, in an HdrHistogram: each is kept to three significant digits. */
export class LatencyRecorder {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: ONE_HOUR,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })

  /** Records one latency so many times. */
  record(milliseconds: number, count: number): void {
    const nanoseconds = Math.min(ONE_HOUR, Math.max(1, Math.round(milliseconds * NANOSECONDS)))
    this.#histogram.recordValueWithCount(nanoseconds, count)
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  /** All 0 when nothing was recorded. */
  summarize(): LatencySummary {
    const histogram = this.#histogram
    const empty = histogram.totalCount === 0
    const milliseconds = (nanoseconds: number) => (empty ? 0 : Number((nanoseconds / NANOSECONDS).toPrecision(4)))
    const at = (percentile: number) =>
      milliseconds(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue))
    return {
      min: milliseconds(histogram.minNonZeroValue),
      mean: milliseconds(histogram.mean),
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: milliseconds(histogram.maxValue),
    }
  }
}
