import type { Metric, Registry } from 'prom-client'

/** Options of {@link BatchHistogram}. */
export interface BatchHistogramOptions {
  readonly name: string
  readonly help: string
  /** The upper bounds of the buckets, ascending, without +Inf. */
  readonly buckets: readonly number[]
}

/** One line of a scrape. */
interface Sample {
  readonly metricName: string
  readonly labels: { readonly le?: number | '+Inf' }
  readonly value: number
}

/** A histogram in the form that a registry expects. */
interface Snapshot {
  readonly name: string
  readonly help: string
  readonly type: 'histogram'
  readonly aggregator: 'sum'
  readonly values: readonly Sample[]
}

/**
 * A histogram that records many observations of one value in one step. It keeps plain numbers, and puts them into
 * prom-client's form at a scrape. prom-client's own histogram records one observation at a time.
 */
export class BatchHistogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly #bounds: readonly number[]
  /** Observations by bucket, not cumulative; the last is +Inf. */
  readonly #counts: number[]
  #sum = 0

  constructor({ name, help, buckets }: BatchHistogramOptions) {
    this.name = name
    this.help = help
    this.#bounds = buckets
    this.#counts = Array.from({ length: buckets.length + 1 }, () => 0)
  }

  /** Records `count` observations of `value`. */
  record(value: number, count: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (value > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
    this.#sum += value * count
  }

  register(registry: Registry): void {
    // A registry uses the name, get() and reset() of a metric. That is all this class has.
    registry.registerMetric(this as unknown as Metric)
  }

  reset(): void {
    this.#counts.fill(0)
    this.#sum = 0
  }

  async get(): Promise<Snapshot> {
    const { name, help, type, aggregator } = this
    let cumulative = 0
    const buckets = this.#counts.map((count, i): Sample => {
      cumulative += count
      return { metricName: `${name}_bucket`, labels: { le: this.#bounds[i] ?? '+Inf' }, value: cumulative }
    })
    const values: Sample[] = [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: cumulative },
    ]
    return { name, help, type, aggregator, values }
  }
}
