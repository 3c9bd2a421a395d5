import { waitFor } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { conn, connAck, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { CLOSE_REASONS, createServer, type ServerCounters, type ServerObserver } from '../index.ts'
import { Gate, startServer } from '../testing/harness.ts'
import { testWithReset } from '../testing/transports.ts'

/** Remembers what it is told. */
class Notes implements ServerObserver {
  readonly attached: ServerCounters[] = []
  readonly calls: Array<{ seconds: number; count: number }> = []

  attach(counters: ServerCounters): void {
    this.attached.push(counters)
  }

  answered(seconds: number, count: number): void {
    this.calls.push({ seconds, count })
  }

  /** All answers that it was told of. */
  get total(): number {
    return this.calls.reduce((sum, { count }) => sum + count, 0)
  }
}

const ZEROS = {
  connectionsOpened: 0,
  connectionsClosed: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])),
  requestsReceived: 0,
  responsesSent: 0,
  successes: 0,
  failures: 0,
  unanswered: 0,
  receivedBytes: 0,
  sentBytes: 0,
  inFlight: 0,
}

describe('the counters', () => {
  test('begin at zero, a reason each', () => {
    expect(createServer({ onSubmit: () => 0 }).counters).toEqual(ZEROS)
  })

  test('count connections, requests, responses, results and bytes', async () => {
    const { server, open, untilClosed } = await startServer({
      onConn: () => 0,
      onSubmit: ({ serial }) => (serial % 4 === 0 ? 1 : 0),
    })
    const first = await open()
    const second = await open()
    first.peer.end(conn(1) + submits(2, 9))
    second.peer.send(conn(1))
    await first.peer.receiveAll()
    await second.peer.receive(14)
    await untilClosed(1)
    expect(server.counters).toEqual({
      ...ZEROS,
      connectionsOpened: 2,
      connectionsClosed: { ...ZEROS.connectionsClosed, 'peer-closed': 1 },
      requestsReceived: 10,
      responsesSent: 10,
      successes: 8,
      failures: 2,
      receivedBytes: 10 * 13,
      sentBytes: 10 * 14,
    })
  })

  test('belong to one server each', async () => {
    const first = await startServer()
    const second = await startServer()
    const { peer } = await first.open()
    peer.send(submit(1))
    await peer.receive(14)
    expect(first.server.counters.requestsReceived).toBe(1)
    expect(second.server.counters).toEqual(ZEROS)
  })

  test('inFlight goes up and down, across connections', async () => {
    const gate = new Gate()
    const { server, open } = await startServer({ onSubmit: gate.wait })
    const first = await open()
    const second = await open()
    first.peer.send(submits(1, 3))
    await gate.holds(3)
    second.peer.send(submits(1, 2))
    await gate.holds(5)
    expect(server.counters).toMatchObject({ inFlight: 5, requestsReceived: 5, responsesSent: 0 })
    gate.waiting.shift()?.settle(0)
    await first.peer.receive(14)
    expect(server.counters).toMatchObject({ inFlight: 4, responsesSent: 1 })
    gate.waiting.shift()?.fail(new Error('no'))
    await first.peer.receive(28)
    expect(server.counters).toMatchObject({ inFlight: 3, responsesSent: 2, successes: 1, failures: 1 })
    gate.release()
    await second.peer.receive(28)
    await first.peer.receive(42)
    expect(server.counters).toMatchObject({ inFlight: 0, responsesSent: 5, unanswered: 0 })
  })

  testWithReset('unanswered counts what was settled too late as well', async () => {
    const gate = new Gate()
    const { server, open, untilClosed } = await startServer({ onSubmit: gate.wait })
    const { peer } = await open()
    peer.send(submits(1, 4))
    await gate.holds(4)
    gate.waiting.shift()?.settle(0)
    await peer.receive(14)
    peer.reset()
    await untilClosed(1)
    gate.release()
    expect(server.counters).toMatchObject({ requestsReceived: 4, responsesSent: 1, unanswered: 3, inFlight: 0 })
  })

  test('bytes are counted also where they make no request', async () => {
    const { server, open, untilClosed } = await startServer()
    const { peer } = await open()
    peer.end(submit(1).slice(0, 10))
    await peer.receiveAll()
    await untilClosed(1)
    expect(server.counters).toMatchObject({ receivedBytes: 5, requestsReceived: 0, sentBytes: 0 })
  })

  test('a request that breaks the protocol is not counted as one', async () => {
    const { server, connect, untilClosed } = await startServer()
    const peer = await connect()
    peer.send(conn(1) + submit(2) + conn(3))
    expect(await peer.receiveAll()).toBe(connAck(1) + submitAck(2))
    await untilClosed(1)
    expect(server.counters).toMatchObject({ requestsReceived: 2, responsesSent: 2, unanswered: 0 })
  })

  testWithReset('opened less closed is what is connected', async () => {
    const { server, open, connect, untilClosed } = await startServer({}, { maxConnections: 3 })
    const peers = [(await open()).peer, (await open()).peer, (await open()).peer]
    // Over TLS the excess connection is closed before it is secure.
    await connect().catch(() => {})
    await untilClosed(1)
    peers[0]?.end()
    peers[1]?.reset()
    await untilClosed(3)
    const { connectionsOpened, connectionsClosed } = server.counters
    const closed = Object.values(connectionsClosed).reduce((sum, count) => sum + count, 0)
    expect(connectionsOpened - closed).toBe(server.sessions.size)
    expect(connectionsClosed).toEqual({
      ...ZEROS.connectionsClosed,
      'too-many-connections': 1,
      'peer-closed': 1,
      'peer-reset': 1,
    })
  })
})

describe('an observer', () => {
  test('gets the counters once, when the server is made: the very ones', async () => {
    const observer = new Notes()
    const { server, connect } = await startServer({}, { observer })
    expect(observer.attached).toHaveLength(1)
    expect(observer.attached[0]).toBe(server.counters)
    const peer = await connect()
    peer.send(submit(1))
    await peer.receive(14)
    expect(observer.attached).toHaveLength(1)
    expect(observer.attached[0]?.responsesSent).toBe(1)
  })

  test('may be as little as it likes', async () => {
    const { connect } = await startServer({}, { observer: {} })
    const peer = await connect()
    peer.send(submits(1, 3))
    expect(await peer.receive(42)).toBe(submitAcks(1, 3))
  })

  test('is told of the sync answers of one read at once', async () => {
    const observer = new Notes()
    const { connect } = await startServer({}, { observer })
    const peer = await connect()
    const before = performance.now()
    peer.send(submits(1, 100))
    await peer.receive(1400)
    expect(observer.calls).toEqual([{ seconds: expect.any(Number), count: 100 }])
    const [{ seconds } = { seconds: Number.NaN }] = observer.calls
    expect(seconds).toBeGreaterThanOrEqual(0)
    expect(seconds).toBeLessThanOrEqual((performance.now() - before) / 1000)
  })

  test('is told how long an async handler took, from the read on', async () => {
    const observer = new Notes()
    const gate = new Gate()
    const { connect } = await startServer({ onSubmit: gate.wait }, { observer })
    const peer = await connect()
    const before = performance.now()
    peer.send(submits(1, 2))
    await gate.holds(2)
    const heldAt = performance.now()
    await waitFor(
      () => performance.now() - heldAt >= 20,
      () => 'for twenty milliseconds',
    )
    gate.release()
    await peer.receive(28)
    expect(observer.total).toBe(2)
    for (const { seconds } of observer.calls) {
      expect(seconds).toBeGreaterThanOrEqual(0.02)
      expect(seconds).toBeLessThanOrEqual((performance.now() - before) / 1000)
    }
  })

  test('is told of each answer once, sync, async, failed or junk: as many as were sent', async () => {
    const observer = new Notes()
    const gate = new Gate()
    const kinds = [
      () => 0 as const,
      () => 1 as const,
      async () => undefined,
      () => {
        throw new Error('sync')
      },
      () => Promise.reject(new Error('async')),
      () => 'junk' as unknown as 0,
      () => gate.wait({ id: '' }),
    ]
    const { server, connect } = await startServer(
      { onSubmit: ({ serial }) => kinds[serial % kinds.length]?.() },
      { observer },
    )
    const peer = await connect()
    peer.end(submits(0, 69))
    await gate.holds(10)
    gate.release()
    await peer.receiveAll()
    expect(server.counters.responsesSent).toBe(70)
    expect(observer.total).toBe(70)
    expect(observer.calls.every(({ count }) => count >= 1)).toBe(true)
  })

  test('is told of a Conn as of any request', async () => {
    const observer = new Notes()
    const { connect } = await startServer({ onConn: () => 0 }, { observer })
    const peer = await connect()
    peer.send(conn(1) + submits(2, 3))
    await peer.receive(42)
    expect(observer.total).toBe(3)
  })

  test('is told how many connections there are, at each that comes or goes', async () => {
    const told: number[] = []
    const observer: ServerObserver = { connections: (open) => told.push(open) }
    const { open, untilClosed } = await startServer({}, { observer, maxConnections: 2 })
    const [first] = [await open(), await open()]
    expect(told).toEqual([1, 2])
    first.peer.end()
    await untilClosed(1)
    expect(told).toEqual([1, 2, 1])
  })

  testWithReset('is not told of a request that got no answer', async () => {
    const observer = new Notes()
    const gate = new Gate()
    const { connect, untilClosed } = await startServer({ onSubmit: gate.wait }, { observer })
    const peer = await connect()
    peer.send(submits(1, 3))
    await gate.holds(3)
    peer.reset()
    await untilClosed(1)
    gate.release()
    expect(observer.total).toBe(0)
  })

  test.each<[string, unknown]>([
    ['an Error', new Error('the observer is broken')],
    ['undefined', undefined],
    ['an object that is no text', Object.create(null)],
  ])('that throws %s hurts nobody: the requests are answered, one warning tells', async (_name, thrown) => {
    const { warnings, uncaught } = watchProcess()
    let calls = 0
    const observer: ServerObserver = {
      answered() {
        calls += 1
        throw thrown
      },
      connections() {
        throw thrown
      },
    }
    const { server, open, untilClosed } = await startServer({ onSubmit: ({ serial }) => answer(serial) }, { observer })
    const { peer } = await open()
    // Sync answers, then async ones.
    peer.send(submits(0, 1))
    await waitFor(
      () => peer.receivedLength === 28 || uncaught.length > 0,
      () => 'for the acks, or for the worst',
    )
    peer.end(submits(2, 3))
    await waitFor(
      () => peer.ended || uncaught.length > 0,
      () => 'for the acks, or for the worst',
    )
    expect(uncaught).toEqual([])
    expect(peer.received).toBe(submitAcks(0, 3))
    await untilClosed(1)
    expect(calls).toBeGreaterThanOrEqual(2)
    expect(warnings).toHaveLength(1)
    expect(server.counters).toMatchObject({ responsesSent: 4, unanswered: 0, inFlight: 0 })
  })
})

/** Answers 0 and 1 at once, the others later. */
function answer(serial: number): 0 | Promise<0> {
  return serial < 2 ? 0 : Promise.resolve(0)
}
