import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'
import type { Metrics } from './messages.ts'

/** The types of metrics that stay when a worker is gone: its counts. Its gauges (memory, say) go with it. */
const LASTING: ReadonlySet<unknown> = new Set(['counter', 'histogram'])

/**
 * The metrics of all workers as if they were one process. prom-client aggregates them, each by the rule that it declares
 * (most are summed). The counts of a worker stay in the sums when it is gone, so no counter ever decreases.
 */
export class AggregatedMetrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #collect: () => Promise<readonly Metrics[]>
  readonly #own = new Registry()
  readonly #restarts: Counter
  /** The counts of workers that are gone; {@link #compact} merges them into one. */
  readonly #departed: Metrics[] = []
  #compacted: Promise<void> = Promise.resolve()
  /** The last scrape, running or waiting. */
  #last: Promise<unknown> = Promise.resolve()
  /** The scrape that waits. */
  #next: Promise<string> | undefined

  /**
   * @param collect gets the metrics of all workers; those that are gone when it settles are left out
   * @param listening how many workers listen now
   */
  constructor(collect: () => Promise<readonly Metrics[]>, listening: () => number) {
    this.#collect = collect
    new Gauge({
      name: 'tcp_server_workers',
      help: 'Workers that listen now',
      registers: [this.#own],
      collect() {
        this.set(listening())
      },
    })
    this.#restarts = new Counter({
      name: 'tcp_server_worker_restarts_total',
      help: 'Workers that died and were replaced',
      registers: [this.#own],
    })
    const startedAt = Date.now() / 1000 - process.uptime()
    new Gauge({
      name: 'process_start_time_seconds',
      help: 'Start time of the first process, in seconds since 1970',
      registers: [this.#own],
    }).set(Math.round(startedAt))
  }

  /**
   * A worker is gone; these are its last metrics. They count at once: a scrape at this moment finds them either among the
   * workers' or here.
   */
  departed(last: Metrics): void {
    this.#departed.push(last.filter(({ type }) => LASTING.has(type as unknown)))
    // After a failure the list keeps all its entries, and the next call merges them.
    this.#compacted = this.#compacted.then(() => this.#compact()).catch(() => {})
  }

  /** A worker that died is replaced. */
  replaced(): void {
    this.#restarts.inc()
  }

  /** At most one scrape runs at a time. Requests that come during it share the next one, so scrapes cannot pile up. */
  metrics(): Promise<string> {
    if (this.#next !== undefined) return this.#next
    const next = this.#last.then(() => {
      this.#next = undefined
      return this.#scrape()
    })
    this.#next = next
    this.#last = next.catch(() => {})
    return next
  }

  async #scrape(): Promise<string> {
    const collected = await this.#collect()
    const workers = AggregatorRegistry.aggregate([...collected, ...this.#departed])
    return `${await workers.metrics()}\n${await this.#own.metrics()}`
  }

  async #compact(): Promise<void> {
    const { length } = this.#departed
    const sum = await AggregatorRegistry.aggregate(this.#departed).getMetricsAsJSON()
    this.#departed.splice(0, length, sum)
  }
}
