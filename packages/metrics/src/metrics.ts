import type { CloseReason, EngineName, ServerCounters, ServerObserver } from '@demo/server'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { BatchHistogram } from './batch-histogram.ts'

/** Options of {@link createServerMetrics}. */
export interface ServerMetricsOptions {
  /**
   * Where the metrics are registered.
   *
   * @default a new one
   */
  registry?: Registry | undefined

  /**
   * The prefix of all names. The Go series has `tcp_server_demo2_`.
   *
   * @default 'tcp_server_'
   */
  prefix?: string | undefined

  /**
   * The version in `build_info`.
   *
   * @default 'unknown'
   */
  version?: string | undefined

  /**
   * Whether prom-client's metrics of the process (CPU, memory, event loop, garbage collection) are registered too,
   * without a prefix.
   *
   * @default true when no registry is given, else false
   */
  processMetrics?: boolean | undefined
}

/** An observer for `createServer`, and the registry of its metrics. */
export interface ServerMetrics extends ServerObserver {
  readonly registry: Registry
  attach(counters: ServerCounters): void
  answered(seconds: number, count: number): void
  engine(name: EngineName): void
}

/** In seconds: from what a synchronous handler takes to the default `handlerTimeout`. */
const DURATION_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

const PREFIX = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

/**
 * Makes the metrics of a server. They cost nothing on the path of a packet: the server counts in plain numbers anyway, and
 * they are read at a scrape. One object may observe several servers; its values are their sums.
 *
 * @example
 * const metrics = createServerMetrics()
 * const server = createServer(handlers, { observer: metrics })
 * await serveMetrics({ registry: metrics.registry, port: 8889 })
 *
 * @throws RangeError when the prefix is invalid
 */
export function createServerMetrics(options: ServerMetricsOptions = {}): ServerMetrics {
  const { registry = new Registry(), prefix = 'tcp_server_', version = 'unknown' } = options
  const { processMetrics = options.registry === undefined } = options
  if (!PREFIX.test(prefix)) {
    throw new RangeError(`invalid prefix '${prefix}': expected letters, digits, _ and :, no digit first`)
  }
  const attached: ServerCounters[] = []
  const engines = new Set<EngineName>()
  const sum = (read: (counters: ServerCounters) => number) =>
    attached.reduce((total, counters) => total + read(counters), 0)

  const counter = (name: string, help: string, read: (counters: ServerCounters) => number) =>
    new Counter({
      name: prefix + name,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(sum(read))
      },
    })

  const gauge = (name: string, help: string, read: (counters: ServerCounters) => number) =>
    new Gauge({
      name: prefix + name,
      help,
      registers: [registry],
      collect() {
        this.set(sum(read))
      },
    })

  gauge('client_connected', 'Connections that are open now', connected)
  counter('req_recv_total', 'Requests received, Conn and Submit', (counters) => counters.requestsReceived)
  counter('rsp_send_total', 'Responses handed to a socket, ConnAck and SubmitAck', (counters) => counters.responsesSent)
  counter('connections_opened_total', 'Connections accepted', (counters) => counters.connectionsOpened)
  new Counter({
    name: `${prefix}connections_closed_total`,
    help: 'Connections closed, by reason',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset()
      for (const reason of Object.keys(attached[0]?.connectionsClosed ?? {}) as CloseReason[]) {
        this.inc(
          { reason },
          sum((counters) => counters.connectionsClosed[reason]),
        )
      }
    },
  })
  counter('received_bytes_total', 'Bytes read from sockets', (counters) => counters.receivedBytes)
  counter('sent_bytes_total', 'Bytes handed to sockets', (counters) => counters.sentBytes)
  new Counter({
    name: `${prefix}results_total`,
    help: 'Responses handed to a socket, by result',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset()
      this.inc(
        { result: 'success' },
        sum((counters) => counters.successes),
      )
      this.inc(
        { result: 'failure' },
        sum((counters) => counters.failures),
      )
    },
  })
  counter(
    'unanswered_total',
    'Requests without an answer when their connection was lost',
    ({ unanswered }) => unanswered,
  )
  gauge('in_flight', 'Asynchronous handlers that have not settled', (counters) => counters.inFlight)
  const durations = new BatchHistogram({
    name: `${prefix}handler_duration_seconds`,
    help: 'From the read that brought a request to its answer; one clock reading for all that were read together',
    buckets: DURATION_BUCKETS,
  })
  durations.register(registry)
  new Gauge({
    name: `${prefix}build_info`,
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'node', 'engine'],
    // Stays 1 where the metrics of several processes are aggregated.
    aggregator: 'first',
    registers: [registry],
    collect() {
      this.reset()
      for (const engine of engines.size === 0 ? ['none'] : engines) {
        this.set({ version, node: process.version, engine }, 1)
      }
    },
  })
  if (processMetrics) collectDefaultMetrics({ register: registry })

  return {
    registry,
    attach: (counters) => attached.push(counters),
    answered: (seconds, count) => durations.record(seconds, count),
    engine: (name) => engines.add(name),
  }
}

function connected(counters: ServerCounters): number {
  const closed = Object.values(counters.connectionsClosed).reduce((total, count) => total + count, 0)
  return counters.connectionsOpened - closed
}
