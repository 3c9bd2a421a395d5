import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'
import type { Metrics } from './messages.ts'

/** What is left of a worker that is gone: what it counted. What it measured of itself is no more. */
const LASTING: ReadonlySet<unknown> = new Set(['counter', 'histogram'])

/**
 * The metrics of all workers as if they were one process: put together by prom-client, each by the rule that it states
 * (sums, as a rule). What a worker counted stays in the sums when it is gone, so that no counter ever goes back.
 */
export class GatheredMetrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #ask: () => Promise<readonly Metrics[]>
  readonly #own = new Registry()
  readonly #restarts: Counter
  /** What is left of those that are gone; {@link #compact} makes one of them. */
  readonly #departed: Metrics[] = []
  #compacted: Promise<void> = Promise.resolve()
  /** The last scrape that was begun, or is to be. */
  #last: Promise<unknown> = Promise.resolve()
  /** The scrape that has not begun. */
  #next: Promise<string> | undefined

  /**
   * @param ask asks all workers; those that are gone by the time it settles are left out
   * @param listening how many of them listen now
   */
  constructor(ask: () => Promise<readonly Metrics[]>, listening: () => number) {
    this.#ask = ask
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
      help: 'When the first process started, in seconds since 1970: of the workers it is left out',
      registers: [this.#own],
    }).set(Math.round(startedAt))
  }

  /**
   * A worker is gone; this is the last that was heard of it. It counts at once, so that whoever asks in this moment finds
   * it either among the workers or here.
   */
  departed(last: Metrics): void {
    this.#departed.push(last.filter(({ type }) => LASTING.has(type as unknown)))
    // One that fails is made up for by the next: what is left of each stays in the list until then.
    this.#compacted = this.#compacted.then(() => this.#compact()).catch(() => {})
  }

  /** A worker that died has a successor. */
  replaced(): void {
    this.#restarts.inc()
  }

  /** At most one scrape goes on at a time, and who comes meanwhile shares the next: scrapes can't pile up in the workers. */
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
    const told = await this.#ask()
    const workers = AggregatorRegistry.aggregate([...told, ...this.#departed])
    return `${await workers.metrics()}\n${await this.#own.metrics()}`
  }

  async #compact(): Promise<void> {
    const { length } = this.#departed
    const sum = await AggregatorRegistry.aggregate(this.#departed).getMetricsAsJSON()
    this.#departed.splice(0, length, sum)
  }
}
