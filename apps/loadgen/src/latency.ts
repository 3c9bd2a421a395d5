import { build, type Histogram } from 'hdr-histogram-js'
import type { Summary } from './result.ts'

const NANOSECONDS = 1e6
const ONE_HOUR = 3.6e6 * NANOSECONDS

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

  get histogram(): Histogram {
    return this.#histogram
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  /** All 0 when nothing was recorded. */
  summarize(): Summary {
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
