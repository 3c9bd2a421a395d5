import { connect, type Socket } from 'node:net'
import { CLOSE_REASONS, createServer, type Handlers, type Server, type ServerOptions } from '@demo/server'
import { AggregatorRegistry, Gauge, Registry } from 'prom-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createServerMetrics, type ServerMetrics } from './index.ts'

// The bytes of the wire, by hand: a length, a command, eight digits, and a result in a response.
const conn = (digit: number) => `0000000d01303030303030303${digit}`
const submit = (digit: number) => `0000000d02303030303030303${digit}`
const ACK_LENGTH = 14

/** How long a test waits for a condition, in milliseconds: long, for a loaded machine. Only a failure takes so long. */
const PATIENCE = { timeout: 5000, interval: 2 }

/** A raw peer. */
interface Peer {
  readonly socket: Socket
  send(hex: string): void
  /** Waits for `length` bytes. */
  receive(length: number): Promise<void>
}

/** A server with metrics. It is closed at the end of its test. */
interface Watched {
  readonly server: Server
  readonly metrics: ServerMetrics
  connect(): Promise<Peer>
}

async function watch(
  metrics: ServerMetrics,
  handlers: Partial<Handlers> = {},
  options: ServerOptions = {},
): Promise<Watched> {
  const server = createServer({ onSubmit: () => 0, ...handlers }, { observer: metrics, engine: 'node', ...options })
  const address = await server.listen({ port: 0 })
  const sockets: Socket[] = []
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close({ timeout: 1 })
  })

  async function connectPeer(): Promise<Peer> {
    const opened = server.counters.connectionsOpened
    const socket = connect({ host: '127.0.0.1', port: 'port' in address ? address.port : 0, noDelay: true })
    sockets.push(socket)
    let received = 0
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received += chunk.length
    })
    await vi.waitFor(() => expect(server.counters.connectionsOpened).toBe(opened + 1), PATIENCE)
    return {
      socket,
      send: (hex) => socket.write(Buffer.from(hex, 'hex')),
      receive: (length) => vi.waitFor(() => expect(received).toBeGreaterThanOrEqual(length), PATIENCE),
    }
  }

  return { server, metrics, connect: connectPeer }
}

/** All samples by their names and labels as text. */
async function scrape({ registry }: Pick<ServerMetrics, 'registry'>): Promise<Record<string, number>> {
  const text = await registry.metrics()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

/** Handlers that the test settles. */
function createGate(): { onSubmit: Handlers['onSubmit']; waiting: ((result: 0 | 1) => void)[] } {
  const waiting: ((result: 0 | 1) => void)[] = []
  return { waiting, onSubmit: () => new Promise((resolve) => waiting.push(resolve)) }
}

const BUCKETS = [
  ...['0.00005', '0.0001', '0.00025', '0.0005', '0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25'],
  ...['0.5', '1', '2.5', '5', '10', '30', '+Inf'],
]

/** Every sample of a server that has done nothing. */
const AT_FIRST = {
  tcp_server_client_connected: 0,
  tcp_server_req_recv_total: 0,
  tcp_server_rsp_send_total: 0,
  tcp_server_connections_opened_total: 0,
  'tcp_server_connections_closed_total{reason="peer-closed"}': 0,
  'tcp_server_connections_closed_total{reason="peer-reset"}': 0,
  'tcp_server_connections_closed_total{reason="idle-timeout"}': 0,
  'tcp_server_connections_closed_total{reason="frame-timeout"}': 0,
  'tcp_server_connections_closed_total{reason="handshake-timeout"}': 0,
  'tcp_server_connections_closed_total{reason="write-timeout"}': 0,
  'tcp_server_connections_closed_total{reason="frame-error"}': 0,
  'tcp_server_connections_closed_total{reason="packet-error"}': 0,
  'tcp_server_connections_closed_total{reason="handshake-error"}': 0,
  'tcp_server_connections_closed_total{reason="unauthorized"}': 0,
  'tcp_server_connections_closed_total{reason="too-many-connections"}': 0,
  'tcp_server_connections_closed_total{reason="draining"}': 0,
  'tcp_server_connections_closed_total{reason="drain-timeout"}': 0,
  'tcp_server_connections_closed_total{reason="handler-closed"}': 0,
  'tcp_server_connections_closed_total{reason="destroyed"}': 0,
  'tcp_server_connections_closed_total{reason="socket-error"}': 0,
  'tcp_server_connections_closed_total{reason="handler-failed"}': 0,
  'tcp_server_connections_closed_total{reason="internal-error"}': 0,
  tcp_server_received_bytes_total: 0,
  tcp_server_sent_bytes_total: 0,
  'tcp_server_results_total{result="success"}': 0,
  'tcp_server_results_total{result="failure"}': 0,
  tcp_server_unanswered_total: 0,
  tcp_server_in_flight: 0,
  ...Object.fromEntries(BUCKETS.map((le) => [`tcp_server_handler_duration_seconds_bucket{le="${le}"}`, 0])),
  tcp_server_handler_duration_seconds_sum: 0,
  tcp_server_handler_duration_seconds_count: 0,
  [buildInfo('node')]: 1,
}

function buildInfo(engine: string): string {
  return `tcp_server_build_info{version="unknown",node="${process.version}",engine="${engine}"}`
}

describe('the metrics', () => {
  test('have these names, types and helps', async () => {
    const { registry } = createServerMetrics({ processMetrics: false })
    const comments = (await registry.metrics()).split('\n').filter((line) => line.startsWith('#'))
    const expected = [
      ['client_connected', 'gauge', 'Connections that are open now'],
      ['req_recv_total', 'counter', 'Requests received, Conn and Submit'],
      ['rsp_send_total', 'counter', 'Responses handed to a socket, ConnAck and SubmitAck'],
      ['connections_opened_total', 'counter', 'Connections accepted'],
      ['connections_closed_total', 'counter', 'Connections closed, by reason'],
      ['received_bytes_total', 'counter', 'Bytes read from sockets'],
      ['sent_bytes_total', 'counter', 'Bytes handed to sockets'],
      ['results_total', 'counter', 'Responses handed to a socket, by result'],
      ['unanswered_total', 'counter', 'Requests without an answer when their connection was lost'],
      ['in_flight', 'gauge', 'Asynchronous handlers that have not settled'],
      [
        'handler_duration_seconds',
        'histogram',
        'From the read that brought a request to its answer; one clock reading for all that were read together',
      ],
      ['build_info', 'gauge', 'Always 1; the labels say what runs'],
    ].flatMap(([name, type, help]) => [`# HELP tcp_server_${name} ${help}`, `# TYPE tcp_server_${name} ${type}`])
    expect(comments).toEqual(expected)
  })

  test('are all there at first, each reason and each result too, so that a rate sees the first of them', async () => {
    const { metrics } = await watch(createServerMetrics({ processMetrics: false }))
    expect(await scrape(metrics)).toEqual(AT_FIRST)
  })

  test('have a label for each reason of the server', () => {
    const labels = Object.keys(AT_FIRST).filter((name) => name.includes('reason='))
    expect(labels).toEqual(CLOSE_REASONS.map((reason) => `tcp_server_connections_closed_total{reason="${reason}"}`))
  })

  test('count connections, requests, responses, results and bytes', async () => {
    const watched = await watch(createServerMetrics({ processMetrics: false }), {
      onConn: () => 0,
      onSubmit: ({ serial }) => (serial === 3 ? 1 : 0),
    })
    const [first, second] = [await watched.connect(), await watched.connect()]
    first.send(conn(1) + submit(2) + submit(3))
    second.send(conn(1))
    await Promise.all([first.receive(3 * ACK_LENGTH), second.receive(ACK_LENGTH)])
    const samples = await scrape(watched.metrics)
    expect(samples).toMatchObject({
      tcp_server_client_connected: 2,
      tcp_server_req_recv_total: 4,
      tcp_server_rsp_send_total: 4,
      tcp_server_connections_opened_total: 2,
      tcp_server_received_bytes_total: 4 * 13,
      tcp_server_sent_bytes_total: 4 * 14,
      'tcp_server_results_total{result="success"}': 3,
      'tcp_server_results_total{result="failure"}': 1,
      tcp_server_unanswered_total: 0,
      tcp_server_in_flight: 0,
      tcp_server_handler_duration_seconds_count: 4,
      'tcp_server_handler_duration_seconds_bucket{le="+Inf"}': 4,
    })
    expect(Object.keys(samples)).toEqual(Object.keys(AT_FIRST))
  })

  test('are the same at every scrape when nothing has happened', async () => {
    const watched = await watch(createServerMetrics({ processMetrics: false }))
    const peer = await watched.connect()
    peer.send(submit(1) + submit(2))
    await peer.receive(2 * ACK_LENGTH)
    const first = await scrape(watched.metrics)
    expect(first).toMatchObject({ tcp_server_req_recv_total: 2 })
    expect(await scrape(watched.metrics)).toEqual(first)
    expect(await scrape(watched.metrics)).toEqual(first)
  })

  test('count closed connections by reason', async () => {
    const watched = await watch(createServerMetrics({ processMetrics: false }), {
      onSubmit(_submit, { session }) {
        session.close()
      },
    })
    const bytes: [reason: string, hex: string][] = [
      ['frame-error', '00000003'],
      ['packet-error', `0000000e82${'30'.repeat(8)}00`],
      ['handler-closed', submit(1)],
    ]
    for (const [, hex] of bytes) (await watched.connect()).send(hex)
    const [ended, reset] = [await watched.connect(), await watched.connect()]
    ended.socket.end()
    reset.socket.resetAndDestroy()
    await vi.waitFor(() => expect(watched.server.sessions.size).toBe(0), PATIENCE)
    const expected = Object.fromEntries(
      [...bytes.map(([reason]) => reason), 'peer-closed', 'peer-reset'].map((reason) => [
        `tcp_server_connections_closed_total{reason="${reason}"}`,
        1,
      ]),
    )
    const samples = await scrape(watched.metrics)
    const closed = Object.entries(samples).filter(([name]) => name.includes('reason='))
    expect(Object.fromEntries(closed.filter(([, value]) => value > 0))).toEqual(expected)
    expect(closed).toHaveLength(CLOSE_REASONS.length)
    expect(samples).toMatchObject({ tcp_server_connections_opened_total: 5, tcp_server_client_connected: 0 })
  })

  test('count a connection above the limit, but not as connected', async () => {
    const watched = await watch(createServerMetrics(), {}, { maxConnections: 1 })
    await watched.connect()
    await watched.connect()
    await vi.waitFor(async () => {
      expect(await scrape(watched.metrics)).toMatchObject({
        tcp_server_connections_opened_total: 2,
        'tcp_server_connections_closed_total{reason="too-many-connections"}': 1,
        tcp_server_client_connected: 1,
      })
    }, PATIENCE)
  })

  test('count requests in flight, and those never answered', async () => {
    const { onSubmit, waiting } = createGate()
    const watched = await watch(createServerMetrics(), { onSubmit })
    const peer = await watched.connect()
    peer.send(submit(1) + submit(2) + submit(3))
    await vi.waitFor(() => expect(waiting).toHaveLength(3), PATIENCE)
    expect(await scrape(watched.metrics)).toMatchObject({
      tcp_server_in_flight: 3,
      tcp_server_req_recv_total: 3,
      tcp_server_rsp_send_total: 0,
      tcp_server_handler_duration_seconds_count: 0,
    })
    waiting[1]?.(1)
    await peer.receive(ACK_LENGTH)
    expect(await scrape(watched.metrics)).toMatchObject({
      tcp_server_in_flight: 2,
      tcp_server_rsp_send_total: 1,
      'tcp_server_results_total{result="failure"}': 1,
      tcp_server_handler_duration_seconds_count: 1,
    })
    peer.socket.resetAndDestroy()
    await vi.waitFor(() => expect(watched.server.sessions.size).toBe(0), PATIENCE)
    expect(await scrape(watched.metrics)).toMatchObject({
      tcp_server_in_flight: 0,
      tcp_server_unanswered_total: 2,
      tcp_server_client_connected: 0,
    })
  })

  test('are the sums of two servers', async () => {
    const metrics = createServerMetrics({ processMetrics: false })
    const [one, two] = [await watch(metrics), await watch(metrics, { onSubmit: () => 1 })]
    const [first, second, third] = [await one.connect(), await two.connect(), await two.connect()]
    first.send(submit(1))
    second.send(submit(1) + submit(2))
    await Promise.all([first.receive(ACK_LENGTH), second.receive(2 * ACK_LENGTH)])
    third.socket.end()
    await vi.waitFor(() => expect(two.server.sessions.size).toBe(1), PATIENCE)
    const samples = await scrape(metrics)
    expect(samples).toMatchObject({
      tcp_server_client_connected: 2,
      tcp_server_connections_opened_total: 3,
      'tcp_server_connections_closed_total{reason="peer-closed"}': 1,
      tcp_server_req_recv_total: 3,
      tcp_server_rsp_send_total: 3,
      'tcp_server_results_total{result="success"}': 1,
      'tcp_server_results_total{result="failure"}': 2,
      tcp_server_received_bytes_total: 3 * 13,
      tcp_server_sent_bytes_total: 3 * 14,
      tcp_server_handler_duration_seconds_count: 3,
    })
    expect(Object.keys(samples)).toEqual(Object.keys(AT_FIRST))
  })

  test('have no label that a peer could choose', async () => {
    const watched = await watch(createServerMetrics({ processMetrics: false }))
    const peer = await watched.connect()
    peer.send(`0000001102${Buffer.from('PEERSAYSmore').toString('hex')}`)
    await peer.receive(ACK_LENGTH)
    const text = await watched.metrics.registry.metrics()
    expect(text).not.toContain('PEERSAYS')
    expect(text).not.toContain('127.0.0.1')
    expect(text).not.toContain(String(peer.socket.localPort))
  })
})

describe('the duration of handlers', () => {
  /** The cumulative buckets, in order. */
  async function buckets(metrics: ServerMetrics): Promise<number[]> {
    const samples = await scrape(metrics)
    return BUCKETS.map((le) => samples[`tcp_server_handler_duration_seconds_bucket{le="${le}"}`] ?? Number.NaN)
  }

  test('is counted in every bucket from its own on', async () => {
    const metrics = createServerMetrics()
    metrics.answered(0.003, 1)
    // 0.00005 0.0001 0.00025 0.0005 0.001 0.0025 | 0.005 …
    expect(await buckets(metrics)).toEqual([0, 0, 0, 0, 0, 0, ...Array.from({ length: 13 }, () => 1)])
  })

  test('belongs to the bucket whose bound it is', async () => {
    const metrics = createServerMetrics()
    const bounds = BUCKETS.slice(0, -1).map(Number)
    for (const bound of bounds) metrics.answered(bound, 1)
    expect(await buckets(metrics)).toEqual([...bounds.map((_, i) => i + 1), bounds.length])
  })

  test('above the last bound is in +Inf only', async () => {
    const metrics = createServerMetrics()
    metrics.answered(30.001, 2)
    expect(await buckets(metrics)).toEqual([...Array.from({ length: 18 }, () => 0), 2])
  })

  test('is counted as often as there were answers', async () => {
    const metrics = createServerMetrics()
    metrics.answered(0.5, 1000)
    metrics.answered(0.25, 4)
    expect(await scrape(metrics)).toMatchObject({
      'tcp_server_handler_duration_seconds_bucket{le="0.1"}': 0,
      'tcp_server_handler_duration_seconds_bucket{le="0.25"}': 4,
      'tcp_server_handler_duration_seconds_bucket{le="0.5"}': 1004,
      tcp_server_handler_duration_seconds_sum: 501,
      tcp_server_handler_duration_seconds_count: 1004,
    })
  })

  test('is that of real handlers, never less than they took', async () => {
    const { onSubmit, waiting } = createGate()
    const watched = await watch(createServerMetrics(), { onSubmit })
    const peer = await watched.connect()
    const before = performance.now()
    peer.send(submit(1))
    await vi.waitFor(() => expect(waiting).toHaveLength(1), PATIENCE)
    const begun = performance.now()
    await vi.waitFor(() => expect(performance.now() - begun).toBeGreaterThanOrEqual(15), PATIENCE)
    const least = performance.now() - begun
    waiting[0]?.(0)
    await peer.receive(ACK_LENGTH)
    const most = performance.now() - before
    const samples = await scrape(watched.metrics)
    const { tcp_server_handler_duration_seconds_sum: sum } = samples
    expect(sum).toBeGreaterThanOrEqual(least / 1000)
    expect(sum).toBeLessThanOrEqual(most / 1000)
    expect(samples).toMatchObject({
      'tcp_server_handler_duration_seconds_bucket{le="0.01"}': 0,
      tcp_server_handler_duration_seconds_count: 1,
    })
  })
})

describe('observing calls nothing once a packet', () => {
  /** The metrics, and the calls of their observer. */
  function listen(): { metrics: ServerMetrics; calls: number[] } {
    const metrics = createServerMetrics()
    const calls: number[] = []
    const answered = metrics.answered
    return {
      calls,
      metrics: {
        ...metrics,
        answered(seconds, count) {
          calls.push(count)
          answered(seconds, count)
        },
      },
    }
  }

  test('but once for each read: a hundred requests that came together are reported together', async () => {
    const { metrics, calls } = listen()
    const watched = await watch(metrics)
    const peer = await watched.connect()
    peer.send(submit(1).repeat(100))
    await peer.receive(100 * ACK_LENGTH)
    expect(calls).toEqual([100])
    peer.send(submit(1).repeat(3))
    await peer.receive(103 * ACK_LENGTH)
    expect(calls).toEqual([100, 3])
    expect(await scrape(metrics)).toMatchObject({ tcp_server_handler_duration_seconds_count: 103 })
  })

  test('also where the handlers are asynchronous, and settle together', async () => {
    const { metrics, calls } = listen()
    const { onSubmit, waiting } = createGate()
    const watched = await watch(metrics, { onSubmit })
    const peer = await watched.connect()
    peer.send(submit(1).repeat(100))
    await vi.waitFor(() => expect(waiting).toHaveLength(100), PATIENCE)
    for (const settle of waiting) settle(0)
    await peer.receive(100 * ACK_LENGTH)
    expect(calls.length).toBe(1)
    expect(await scrape(metrics)).toMatchObject({ tcp_server_handler_duration_seconds_count: 100 })
  })

  test('and the counters are read when somebody scrapes, no sooner', async () => {
    const metrics = createServerMetrics({ processMetrics: false })
    let reads = 0
    const attach = metrics.attach
    const watched = await watch({
      ...metrics,
      attach(counters) {
        attach(
          new Proxy(counters, {
            get(target, name) {
              reads += 1
              return Reflect.get(target, name)
            },
          }),
        )
      },
    })
    const peer = await watched.connect()
    peer.send(submit(1).repeat(50))
    await peer.receive(50 * ACK_LENGTH)
    expect(reads).toBe(0)
    expect(await scrape(metrics)).toMatchObject({ tcp_server_req_recv_total: 50 })
    expect(reads).toBeGreaterThan(0)
  })
})

describe('the prefix', () => {
  test('of the Go series gives the names of the Go series', async () => {
    const metrics = createServerMetrics({ prefix: 'tcp_server_demo2_', processMetrics: false })
    const watched = await watch(metrics)
    const peer = await watched.connect()
    peer.send(submit(1))
    await peer.receive(ACK_LENGTH)
    const samples = await scrape(metrics)
    expect(samples).toMatchObject({
      tcp_server_demo2_client_connected: 1,
      tcp_server_demo2_req_recv_total: 1,
      tcp_server_demo2_rsp_send_total: 1,
    })
    expect(Object.keys(samples)).toEqual(
      Object.keys(AT_FIRST).map((name) => name.replace('tcp_server_', 'tcp_server_demo2_')),
    )
  })

  test.each(['a', '_', 'A1_', 'a:b_', 'namespace_subsystem_'])('may be %j', async (prefix) => {
    const samples = await scrape(createServerMetrics({ prefix, processMetrics: false }))
    expect(samples).toMatchObject({ [`${prefix}req_recv_total`]: 0 })
  })

  test.each(['1_', 'tcp-server_', 'tcp server_', 'naïve_', 'a{', 'a_\n', '"'])('may not be %j', (prefix) => {
    expect(() => createServerMetrics({ prefix })).toThrow(RangeError)
    expect(() => createServerMetrics({ prefix })).toThrow(
      `invalid prefix '${prefix}': expected letters, digits, _ and :, no digit first`,
    )
  })

  test('that is refused leaves nothing in the registry', () => {
    const registry = new Registry()
    expect(() => createServerMetrics({ registry, prefix: '1_' })).toThrow(RangeError)
    expect(registry.getMetricsAsArray()).toEqual([])
  })
})

describe('the registry', () => {
  test('is a new one each time unless given, with the metrics of the process', async () => {
    const [first, second] = [createServerMetrics(), createServerMetrics()]
    expect(first.registry).not.toBe(second.registry)
    const samples = await scrape(first)
    expect(samples).toHaveProperty('process_cpu_seconds_total')
    expect(samples['process_start_time_seconds']).toBeGreaterThan(0)
    expect(samples).toMatchObject(AT_FIRST_WITHOUT_REASONS)
  })

  test('that is given is used, without the metrics of the process, beside what is in it', async () => {
    const registry = new Registry()
    new Gauge({ name: 'my_own', help: 'Mine', registers: [registry] }).set(7)
    const metrics = createServerMetrics({ registry })
    expect(metrics.registry).toBe(registry)
    await watch(metrics)
    expect(await scrape(metrics)).toEqual({ my_own: 7, ...AT_FIRST })
  })

  test('has the metrics of the process when they are asked for', async () => {
    const registry = new Registry()
    const samples = await scrape(createServerMetrics({ registry, processMetrics: true }))
    expect(samples).toHaveProperty('process_cpu_seconds_total')
    expect(samples).toHaveProperty('tcp_server_req_recv_total')
  })

  test('has none of the process when they are not wanted', () => {
    const { registry } = createServerMetrics({ processMetrics: false })
    const names = registry.getMetricsAsArray().map(({ name }) => name)
    expect(names.filter((name) => !name.startsWith('tcp_server_'))).toEqual([])
    expect(names).toHaveLength(12)
  })

  test('takes metrics of two prefixes, but not twice of one', async () => {
    const registry = new Registry()
    createServerMetrics({ registry, prefix: 'inner_' })
    const outer = createServerMetrics({ registry, prefix: 'outer_' })
    expect(await scrape(outer)).toMatchObject({ inner_req_recv_total: 0, outer_req_recv_total: 0 })
    expect(() => createServerMetrics({ registry, prefix: 'inner_' })).toThrow('already been registered')
  })

  test('puts its labels on all of them', async () => {
    const registry = new Registry()
    registry.setDefaultLabels({ app: 'demo' })
    const metrics = createServerMetrics({ registry })
    metrics.answered(1, 1)
    const names = Object.keys(await scrape(metrics))
    expect(names).toContain('tcp_server_req_recv_total{app="demo"}')
    expect(names.filter((name) => !name.includes('app="demo"'))).toEqual([])
  })

  test('gives them as JSON, too', async () => {
    const watched = await watch(createServerMetrics({ processMetrics: false }))
    watched.metrics.answered(0.5, 3)
    const json = await watched.metrics.registry.getMetricsAsJSON()
    expect(json.map(({ name }) => name)).toHaveLength(12)
    const find = (name: string) => json.find((metric) => metric.name === `tcp_server_${name}`)
    expect(find('req_recv_total')).toMatchObject({ type: 'counter', values: [{ value: 0, labels: {} }] })
    expect(find('client_connected')).toMatchObject({ type: 'gauge', values: [{ value: 0, labels: {} }] })
    expect(find('connections_closed_total')).toMatchObject({
      values: CLOSE_REASONS.map((reason) => ({ value: 0, labels: { reason } })),
    })
    expect(find('handler_duration_seconds')).toMatchObject({
      type: 'histogram',
      values: expect.arrayContaining([
        { metricName: 'tcp_server_handler_duration_seconds_bucket', labels: { le: '+Inf' }, value: 3 },
        { metricName: 'tcp_server_handler_duration_seconds_sum', labels: {}, value: 1.5 },
      ]),
    })
    // It can be sent to another process.
    expect(JSON.parse(JSON.stringify(json))).toEqual(json)
  })

  test('of many processes can be summed', async () => {
    const one = createServerMetrics({ processMetrics: false })
    const other = createServerMetrics({ processMetrics: false })
    one.answered(0.5, 3)
    other.answered(2, 2)
    const all = [await one.registry.getMetricsAsJSON(), await other.registry.getMetricsAsJSON()]
    const sums = await scrape({ registry: AggregatorRegistry.aggregate(all) })
    expect(sums).toMatchObject({
      'tcp_server_handler_duration_seconds_bucket{le="0.5"}': 3,
      'tcp_server_handler_duration_seconds_bucket{le="2.5"}': 5,
      tcp_server_handler_duration_seconds_sum: 5.5,
      tcp_server_handler_duration_seconds_count: 5,
    })
  })

  test('that is reset forgets the durations; the counts are the server’s and stay', async () => {
    const watched = await watch(createServerMetrics({ processMetrics: false }))
    const peer = await watched.connect()
    peer.send(submit(1) + submit(2))
    await peer.receive(2 * ACK_LENGTH)
    const { registry } = watched.metrics
    registry.resetMetrics()
    expect(await scrape(watched.metrics)).toMatchObject({
      tcp_server_req_recv_total: 2,
      'tcp_server_results_total{result="success"}': 2,
      tcp_server_client_connected: 1,
      tcp_server_handler_duration_seconds_count: 0,
      tcp_server_handler_duration_seconds_sum: 0,
    })
  })

  test('that is reset still has build_info, which is always 1', async () => {
    const metrics = createServerMetrics({ version: '1.2.3', processMetrics: false })
    metrics.registry.resetMetrics()
    expect(await scrape(metrics)).toMatchObject({
      [`tcp_server_build_info{version="1.2.3",node="${process.version}",engine="none"}`]: 1,
    })
  })
})

test('build_info has the given version, and no engine before the server listens', async () => {
  expect(await scrape(createServerMetrics({ version: '1.2.3', processMetrics: false }))).toMatchObject({
    [`tcp_server_build_info{version="1.2.3",node="${process.version}",engine="none"}`]: 1,
  })
})

test.each(['auto', 'node'] as const)('build_info has the engine of the server that listens: %s', async (engine) => {
  const { server, metrics } = await watch(createServerMetrics({ processMetrics: false }), {}, { engine })
  const samples = Object.entries(await scrape(metrics)).filter(([name]) => name.includes('build_info'))
  const name = `tcp_server_build_info{version="unknown",node="${process.version}",engine="${server.engine}"}`
  expect(samples).toEqual([[name, 1]])
})

/** The metrics without a server. */
const AT_FIRST_WITHOUT_REASONS = {
  ...Object.fromEntries(
    Object.entries(AT_FIRST).filter(([name]) => !name.includes('reason=') && !name.includes('build_info')),
  ),
  [buildInfo('none')]: 1,
}
