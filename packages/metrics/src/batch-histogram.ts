import type { Metric, Registry } from 'prom-client'

/** What a {@link BatchHistogram} is made of. */
export interface BatchHistogramOptions {
  readonly name: string
  readonly help: string
  /** The upper bounds of the buckets, ascending, without +Inf. */
  readonly buckets: readonly number[]
}

/** One line of what is scraped. */
interface Sample {
  readonly metricName: string
  readonly labels: { readonly le?: number | '+Inf' }
  readonly value: number
}

/** A histogram as a registry wants it. */
interface Snapshot {
  readonly name: string
  readonly help: string
  readonly type: 'histogram'
  readonly aggregator: 'sum'
  readonly values: readonly Sample[]
}

/**
 * A histogram that takes many observations of one value at the price of one: plain numbers, put into prom-client's form
 * when they are scraped. prom-client's own takes one observation at a time.
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

  /** Observes `value` so many times. */
  record(value: number, count: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]) bucket += 1
    this.#counts[bucket] += count
    this.#sum += value * count
  }

  register(registry: Registry): void {
    // A registry asks a metric for its name, get() and reset(), and that is all we are.
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
