import type { BytesLike, Dialect } from '@demo/packet'
import { type FakeServerOptions, type ServerSide, startFakeServer, watchRequests } from '@demo/testkit/fake-server'
import { turns, waitFor } from '@demo/testkit/wait-for'
import {
  bytesOf,
  conn,
  connAck,
  frame,
  goDemo,
  hexOf,
  serials,
  submit,
  submitAck,
  submitAcks,
  submits,
} from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import {
  type AnsweredRun,
  type ClientError,
  type LoadConnection,
  type LoadConnectionOptions,
  openLoadConnection,
  PayloadPool,
} from '../index.ts'
import { watchClientSockets } from '../testing/client-sockets.ts'
import { elementAt } from '../testing/element-at.ts'
import { rejection } from '../testing/outcome.ts'
import { TEST_ENGINE, testWithSocket } from '../testing/test-engine.ts'

/** The events of a load connection, in order. */
interface Events {
  readonly runs: AnsweredRun[]
  /** `answered 3`, `room`, `closed`. */
  readonly calls: string[]
  readonly endings: (ClientError | undefined)[]
}

interface Loaded {
  readonly connection: LoadConnection
  readonly side: ServerSide
  readonly events: Events
  /** Waits for `count` answers. */
  answered(count: number): Promise<void>
  /** Waits until the connection is closed, and returns its error. */
  untilClosed(): Promise<ClientError | undefined>
}

interface LoadOptions extends FakeServerOptions {
  readonly window?: number
  readonly payload?: BytesLike | PayloadPool
  readonly dialect?: Dialect
  /** Called when there may be room. */
  readonly room?: (connection: LoadConnection) => void
}

const PAYLOAD = bytesOf('cafe')

async function load(options: LoadOptions = {}): Promise<Loaded> {
  const { window = 10, payload = PAYLOAD, dialect = 'specification', room } = options
  const server = await startFakeServer(options)
  const events: Events = { runs: [], calls: [], endings: [] }
  const connection = await openLoadConnection(
    { ...server.location, window, payload, dialect, engine: TEST_ENGINE },
    {
      answered(run) {
        events.runs.push({ ...run })
        events.calls.push(`answered ${run.count}`)
      },
      room(roomy) {
        events.calls.push('room')
        room?.(roomy)
      },
      closed(_connection, error) {
        events.calls.push('closed')
        events.endings.push(error)
      },
    },
  )
  const side = await server.accepted()
  return {
    connection,
    side,
    events,
    answered: (count) =>
      waitFor(
        () => connection.acks >= count,
        () => `for ${count} answers; there are ${connection.acks}`,
      ),
    async untilClosed() {
      await waitFor(
        () => events.endings.length > 0,
        () => 'for the connection to be closed',
      )
      return events.endings[0]
    },
  }
}

const LISTENER = { answered() {}, room() {}, closed() {} }

/** The bytes of many requests: hex would be slow. */
function manySubmits(first: number, count: number, payload: Uint8Array): Buffer {
  const frames = serials(first, first + count - 1).map((serial) => {
    const head = Buffer.from(submit(serial), 'hex')
    head.writeUInt32BE(head.length + payload.length, 0)
    return Buffer.concat([head, payload])
  })
  return Buffer.concat(frames)
}

describe('an invalid option is refused', () => {
  test.each([0, -1, 1.5, Number.NaN, 1_000_001, Number.POSITIVE_INFINITY])('window %d', async (window) => {
    const sockets = watchClientSockets()
    const error = await rejection(
      openLoadConnection({ port: 1, window, payload: PAYLOAD, engine: TEST_ENGINE }, LISTENER),
    )
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toBe(`invalid window ${window}: expected an integer from 1 to 1000000`)
    expect(sockets).toEqual([])
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('timeout %d', async (timeout) => {
    const sockets = watchClientSockets()
    const options = { port: 1, window: 1, payload: PAYLOAD, timeout, engine: TEST_ENGINE }
    const error = await rejection(openLoadConnection(options, LISTENER))
    expect(error).toBeInstanceOf(RangeError)
    expect(sockets).toEqual([])
  })

  test('dialect, and no connection is left open', async () => {
    const sockets = watchClientSockets()
    const server = await startFakeServer()
    const options: LoadConnectionOptions = {
      ...server.location,
      window: 1,
      payload: PAYLOAD,
      engine: TEST_ENGINE,
      dialect: 'esperanto' as Dialect,
    }
    expect(await rejection(openLoadConnection(options, LISTENER))).toBeInstanceOf(RangeError)
    expect(sockets.map(({ socket }) => socket.destroyed)).not.toContain(false)
  })

  test.each(['hello', 7, [1, 2, 3], undefined])('payload %j, before a connection is opened', async (payload) => {
    const sockets = watchClientSockets()
    const options = { port: 1, window: 1, payload: payload as unknown as Uint8Array, engine: TEST_ENGINE }
    const error = await rejection(openLoadConnection(options, LISTENER))
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_PACKET_NOT_BYTES' })
    expect(sockets).toEqual([])
  })

  test('credentials that are not bytes, before a connection is opened', async () => {
    const sockets = watchClientSockets()
    const server = await startFakeServer()
    const credentials = 7 as unknown as string
    const options = { ...server.location, window: 1, payload: PAYLOAD, credentials }
    const error = await rejection(openLoadConnection(options, LISTENER))
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    expect(sockets).toEqual([])
  })
})

test('a payload may be any view', async () => {
  const { connection, side } = await load({ payload: new Uint16Array(bytesOf('cafe').buffer.slice(0, 2)) })
  connection.send(2)
  await side.receiveLike(submits(1, 2, 'cafe'))
})

test('a failed connection is ERR_CLIENT_CONNECT', async () => {
  const options = { path: '/no/such/socket', window: 1, payload: PAYLOAD, engine: TEST_ENGINE }
  expect(await rejection(openLoadConnection(options, LISTENER))).toMatchObject({
    name: 'ClientError',
    code: 'ERR_CLIENT_CONNECT',
    cause: { code: 'ENOENT' },
  })
})

describe('sending', () => {
  test('nothing is sent before `send` is called', async () => {
    const { connection, side } = await load()
    expect(connection).toMatchObject({ sent: 0, acks: 0, mismatched: 0, inFlight: 0, room: 10 })
    connection.send(0)
    connection.send(1)
    expect(await side.receiveLike(submit(1, 'cafe'))).toBe(submit(1, 'cafe'))
    expect(connection).toMatchObject({ sent: 1, acks: 0, mismatched: 0, inFlight: 1, room: 9 })
  })

  testWithSocket('all requests of a call leave in one write, with consecutive IDs', async () => {
    const sockets = watchClientSockets()
    const { connection, side } = await load()
    connection.send(3)
    connection.send(2)
    await side.receiveLike(submits(1, 5, 'cafe'))
    expect(sockets[0]?.writes).toEqual([submits(1, 3, 'cafe'), submits(4, 5, 'cafe')])
  })

  test('all requests of a call come together, with consecutive IDs', async () => {
    const chunks: string[] = []
    const { connection, side } = await load({
      onAccept: ({ socket }) => socket.on('data', (chunk) => chunks.push(chunk.toString('hex'))),
    })
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    connection.send(2)
    await side.receiveLike(submits(1, 5, 'cafe'))
    expect(chunks).toEqual([submits(1, 3, 'cafe'), submits(4, 5, 'cafe')])
  })

  test('after the end there is no room, and nothing is sent', async () => {
    const { connection, side, untilClosed } = await load()
    connection.send(1)
    await side.receiveLike(submit(1, 'cafe'))
    side.send(submitAck(1))
    await waitFor(
      () => connection.acks === 1,
      () => 'for the answer',
    )
    connection.end()
    expect(connection.room).toBe(0)
    connection.send(1)
    expect(await untilClosed()).toBeUndefined()
    expect(connection).toMatchObject({ sent: 1, inFlight: 0 })
  })

  test('the window is filled, and never exceeded', async () => {
    const { connection, side, answered } = await load({ window: 5 })
    connection.send(1_000_000)
    expect(connection).toMatchObject({ sent: 5, inFlight: 5, room: 0 })
    connection.send(1)
    expect(connection.sent).toBe(5)
    expect(await side.receiveLike(submits(1, 5, 'cafe'))).toBe(submits(1, 5, 'cafe'))
    side.send(submitAcks(2, 3))
    await answered(2)
    expect(connection).toMatchObject({ sent: 5, acks: 2, inFlight: 3, room: 2 })
    connection.send(Number.POSITIVE_INFINITY)
    // If more had been sent, it would have come by now.
    expect(await side.receiveLike(submits(1, 7, 'cafe'))).toBe(submits(1, 7, 'cafe'))
    expect(connection).toMatchObject({ sent: 7, inFlight: 5, room: 0 })
  })

  test('a window of many batches is filled by one call', async () => {
    const { connection, side } = await load({ window: 12_000, payload: new Uint8Array(0) })
    connection.send(12_000)
    await side.receive(12_000 * 13)
    expect(side.receivedBytes.equals(manySubmits(1, 12_000, new Uint8Array(0)))).toBe(true)
    expect(connection).toMatchObject({ sent: 12_000, room: 0 })
  })

  test('a payload that is longer than a batch is sent whole', async () => {
    const payload = Buffer.alloc(100_000, 'abc')
    const { connection, side, answered } = await load({ window: 3, payload })
    connection.send(3)
    await side.receive(100_013)
    while (connection.sent < 3) {
      await turns(1)
      connection.send(3 - connection.sent)
    }
    await side.receive(3 * 100_013)
    expect(side.receivedBytes.equals(manySubmits(1, 3, payload))).toBe(true)
    side.send(submitAcks(1, 3))
    await answered(3)
  })

  test('in the Go demo’s dialect is the same, and the answer is 0x81', async () => {
    const { connection, side, answered } = await load({ dialect: 'go-demo' })
    connection.send(2)
    expect(await side.receiveLike(submits(1, 2, 'cafe'))).toBe(submits(1, 2, 'cafe'))
    side.send(goDemo.submitAck(1) + goDemo.submitAck(2, 1))
    await answered(2)
    expect(connection).toMatchObject({ acks: 2, mismatched: 0 })
  })

  test('goes on as soon as there is room: a closed loop', async () => {
    const total = 20_000
    let inFlight = 0
    let most = 0
    const { connection, answered, events } = await load({
      window: 64,
      room: (roomy) => roomy.send(total - roomy.sent),
      onAccept(side) {
        let waiting: string[] = []
        watchRequests(side, ({ id }) => {
          inFlight += 1
          most = Math.max(most, inFlight)
          waiting.push(`0000000e82${hexOf(id)}00`)
          if (waiting.length > 1) return
          setImmediate(() => {
            inFlight -= waiting.length
            side.send(waiting.reverse().join(''))
            waiting = []
          })
        })
      },
    })
    connection.send(total)
    await answered(total)
    expect(connection).toMatchObject({ sent: total, acks: total, mismatched: 0, inFlight: 0 })
    expect(events.runs.reduce((sum, { count }) => sum + count, 0)).toBe(total)
    expect(most).toBeLessThanOrEqual(64)
  })
})

describe('an answer', () => {
  test('is reported with the times of its request and its own', async () => {
    const { connection, side, answered, events } = await load()
    const before = performance.now()
    connection.send(1)
    const between = performance.now()
    await side.receiveLike(submit(1, 'cafe'))
    const beforeAnswer = performance.now()
    side.send(submitAck(1))
    await answered(1)
    const after = performance.now()
    const run = elementAt(events.runs, 0)
    expect(events.runs).toMatchObject([{ count: 1, succeeded: true }])
    expect(run.sentAt).toBeGreaterThanOrEqual(before)
    expect(run.sentAt).toBeLessThanOrEqual(between)
    expect(run.answeredAt).toBeGreaterThanOrEqual(beforeAnswer)
    expect(run.answeredAt).toBeLessThanOrEqual(after)
  })

  test('is reported together with equal ones that were sent with it and came with it', async () => {
    const { connection, side, answered, events } = await load()
    connection.send(5)
    await side.receiveLike(submits(1, 5, 'cafe'))
    side.send(submitAcks(1, 5))
    await answered(5)
    expect(events.calls).toEqual(['answered 5', 'room'])
  })

  test('is reported apart from those that were sent at another time', async () => {
    const { connection, side, answered, events } = await load()
    connection.send(2)
    // Waits for the clock's resolution: the times must differ.
    const sentAt = performance.now()
    await waitFor(
      () => performance.now() > sentAt,
      () => 'for the clock to go on',
    )
    connection.send(3)
    await side.receiveLike(submits(1, 5, 'cafe'))
    side.send(submitAcks(1, 5))
    await answered(5)
    expect(events.calls).toEqual(['answered 2', 'answered 3', 'room'])
    const [first, second] = [elementAt(events.runs, 0), elementAt(events.runs, 1)]
    expect(first.sentAt).toBeLessThan(second.sentAt)
    expect(first.answeredAt).toBe(second.answeredAt)
  })

  test('with any result but 0 is reported as a failure, and counts as an answer', async () => {
    const { connection, side, answered, events } = await load()
    connection.send(7)
    await side.receiveLike(submits(1, 7, 'cafe'))
    side.send([0, 0, 1, 254, 0, 2, 0].map((result, i) => submitAck(i + 1, result)).join(''))
    await answered(7)
    expect(events.runs).toMatchObject([
      { count: 2, succeeded: true },
      { count: 2, succeeded: false },
      { count: 1, succeeded: true },
      { count: 1, succeeded: false },
      { count: 1, succeeded: true },
    ])
    expect(connection).toMatchObject({ acks: 7, mismatched: 0, inFlight: 0 })
  })

  test('finds its request in any order', async () => {
    const { connection, side, answered, events } = await load()
    connection.send(5)
    await side.receiveLike(submits(1, 5, 'cafe'))
    side.send([4, 1, 5, 3, 2].map((serial) => submitAck(serial)).join(''))
    await answered(5)
    expect(connection).toMatchObject({ acks: 5, mismatched: 0, inFlight: 0, room: 10 })
    expect(events.calls).toEqual(['answered 5', 'room'])
  })

  test('may come in single bytes', async () => {
    const { connection, side, answered } = await load()
    connection.send(2)
    await side.receiveLike(submits(1, 2, 'cafe'))
    for (const byte of submitAcks(1, 2).match(/../g) ?? []) {
      side.send(byte)
      await turns(1)
    }
    await answered(2)
    expect(connection).toMatchObject({ acks: 2, mismatched: 0 })
  })

  test('is reported before the room', async () => {
    const seen: number[] = []
    const { connection, side, answered } = await load({ room: ({ acks }) => seen.push(acks) })
    connection.send(5)
    await side.receiveLike(submits(1, 5, 'cafe'))
    side.send(submitAcks(1, 5))
    await answered(5)
    expect(seen).toEqual([5])
  })

  test.each([
    ['an unknown ID', submitAck(11)],
    ['an ID from before the first', submitAck(0)],
    ['an ID that is not a number', `0000000e82${hexOf('-0000001')}00`],
    ['a ConnAck to nothing', connAck(11)],
  ])('without a request is counted as mismatched, and not reported: %s', async (_what, hex) => {
    const { connection, side, answered, events } = await load()
    connection.send(2)
    await side.receiveLike(submits(1, 2, 'cafe'))
    side.send(hex)
    await waitFor(
      () => connection.acks + connection.mismatched > 0,
      () => 'for the answer to be read',
    )
    expect(connection).toMatchObject({ acks: 0, mismatched: 1, inFlight: 2 })
    side.send(submitAcks(1, 2))
    await answered(2)
    expect(connection).toMatchObject({ acks: 2, mismatched: 1, inFlight: 0 })
    expect(events.runs.reduce((sum, { count }) => sum + count, 0)).toBe(2)
    expect(events.endings).toEqual([])
  })

  test('that comes again is counted as a duplicate', async () => {
    const { connection, side, answered } = await load()
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    side.send(submitAck(1) + submitAck(1) + submitAck(1) + submitAck(2) + submitAck(3))
    await answered(3)
    expect(connection).toMatchObject({ acks: 3, mismatched: 0, duplicates: 2, inFlight: 0, room: 10 })
  })
})

describe('an answer in the go-demo dialect', () => {
  test('to the first request ends the connection, and the error says which dialect it is', async () => {
    const { connection, side, untilClosed } = await load()
    connection.send(2)
    await side.receiveLike(submits(1, 2, 'cafe'))
    side.send(goDemo.submitAck(1))
    expect(await untilClosed()).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', dialect: 'go-demo' })
    expect(connection).toMatchObject({ acks: 0, mismatched: 0 })
  })

  test('after answers in ours is a mismatch like any other', async () => {
    const { connection, side, answered, events } = await load()
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    side.send(submitAck(1) + goDemo.submitAck(2) + submitAck(3))
    await answered(2)
    expect(connection).toMatchObject({ acks: 2, mismatched: 1, inFlight: 1 })
    expect(events.endings).toEqual([])
  })

  test('is recognized the other way round, too', async () => {
    const { connection, side, untilClosed } = await load({ dialect: 'go-demo' })
    connection.send(1)
    await side.receiveLike(submit(1, 'cafe'))
    side.send(submitAck(1))
    expect(await untilClosed()).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', dialect: 'specification' })
  })
})

describe('due times', () => {
  test('are reported with the answers, and answers of one due time together', async () => {
    const { connection, side, answered, events } = await load()
    const due = [100, 100, 200, 300]
    const next = due.values()
    connection.send(4, () => next.next().value ?? Number.NaN)
    await side.receiveLike(submits(1, 4, 'cafe'))
    side.send(submitAcks(1, 4))
    await answered(4)
    expect(events.runs.map(({ dueAt, count }) => [dueAt, count])).toEqual([
      [100, 2],
      [200, 1],
      [300, 1],
    ])
    expect(new Set(events.runs.map(({ sentAt }) => sentAt)).size).toBe(1)
  })

  test('are read once for each request that is sent, not for those without room', async () => {
    const { connection, side } = await load({ window: 3 })
    let asked = 0
    connection.send(5, () => asked++)
    await side.receiveLike(submits(1, 3, 'cafe'))
    expect(asked).toBe(3)
  })

  test('stay with stragglers', async () => {
    const { connection, side, answered, events } = await load({ window: 2 })
    let due = 0
    connection.send(2, () => ++due)
    side.send(submitAck(2))
    await answered(1)
    connection.send(1, () => ++due)
    side.send(submitAck(3))
    await answered(2)
    connection.send(1, () => ++due)
    side.send(submitAck(1))
    await answered(3)
    expect(events.runs.map(({ dueAt }) => dueAt)).toEqual([2, 3, 1])
    await side.receiveLike(submits(1, 4, 'cafe'))
  })

  test('are the times of sending by default', async () => {
    const { connection, side, answered, events } = await load()
    connection.send(1)
    await side.receiveLike(submit(1, 'cafe'))
    side.send(submitAck(1))
    await answered(1)
    const run = elementAt(events.runs, 0)
    expect(run.dueAt).toBe(run.sentAt)
  })
})

describe('a pool of payloads', () => {
  const POOL = new PayloadPool([bytesOf('aa'), bytesOf(''), bytesOf('bbbbbb')])

  test('is sent in turn, again and again', async () => {
    const { connection, side } = await load({ payload: POOL })
    connection.send(4)
    connection.send(3)
    const payloads = ['aa', '', 'bbbbbb', 'aa', '', 'bbbbbb', 'aa']
    const sent = payloads.map((payload, i) => submit(i + 1, payload)).join('')
    expect(await side.receiveLike(sent)).toBe(sent)
  })

  test('larger than a batch is sent whole, frame by frame', async () => {
    const payloads = serials(1, 50).map((n) => Buffer.alloc(n * 400, n))
    const { connection, side } = await load({ payload: new PayloadPool(payloads), window: 100 })
    const sent = serials(1, 100).map((n) => submit(n, elementAt(payloads, (n - 1) % 50).toString('hex')))
    while (connection.sent < 100) {
      connection.send(100 - connection.sent)
      await turns(1)
    }
    await side.receive(sent.join('').length / 2)
    expect(side.received === sent.join('')).toBe(true)
  })

  test('without payloads is refused', () => {
    expect(() => new PayloadPool([])).toThrow(RangeError)
  })
})

describe('credentials', () => {
  async function guarded(answer: string) {
    const server = await startFakeServer({
      onAccept: (side) => {
        watchRequests(side, ({ id }) => {
          if (id === '00000001') side.send(answer)
        })
      },
    })
    const options = { ...server.location, window: 2, payload: PAYLOAD, credentials: 'secret', timeout: 300 }
    return { server, opening: openLoadConnection(options, LISTENER) }
  }

  test('are sent first of all, and requests follow with the next IDs', async () => {
    const { server, opening } = await guarded(connAck(1))
    const connection = await opening
    connection.send(2)
    const side = await server.accepted()
    const sent = conn(1, hexOf('secret')) + submits(2, 3, 'cafe')
    expect(await side.receiveLike(sent)).toBe(sent)
    side.send(submitAck(3) + submitAck(3) + submitAck(1))
    await waitFor(
      () => connection.mismatched > 0,
      () => 'for the answers',
    )
    expect(connection).toMatchObject({ acks: 1, duplicates: 1, mismatched: 1 })
    connection.destroy()
  })

  test.each([
    ['that are refused', connAck(1, 1), { code: 'ERR_CLIENT_UNAUTHORIZED' }],
    ['that are never answered', '', { code: 'ERR_CLIENT_TIMEOUT' }],
    ['answered in the other dialect', goDemo.connAck(1), { code: 'ERR_CLIENT_PROTOCOL', dialect: 'go-demo' }],
    ['answered as something else', submitAck(1), { code: 'ERR_CLIENT_PROTOCOL' }],
  ])('%s end the connection', async (_, answer, expected) => {
    const { server, opening } = await guarded(answer)
    expect(await rejection(opening)).toMatchObject(expected)
    await (await server.accepted()).untilClosed()
  })
})

describe('a straggler', () => {
  test('is matched after any number of younger requests', async () => {
    const { connection, side, answered, events } = await load({ window: 2 })
    connection.send(2)
    await side.receiveLike(submits(1, 2, 'cafe'))
    // The first waits; all others are answered before it.
    for (const serial of serials(2, 50)) {
      side.send(submitAck(serial))
      await answered(serial - 1)
      connection.send(10)
      expect(connection).toMatchObject({ inFlight: 2, room: 0 })
      await side.receiveLike(submits(1, serial + 1, 'cafe'))
    }
    expect(connection.overdue(Number.POSITIVE_INFINITY)).toBe(2)
    side.send(submitAck(1, 1))
    await answered(50)
    expect(connection).toMatchObject({ sent: 51, acks: 50, mismatched: 0, inFlight: 1 })
    const { sentAt } = elementAt(events.runs, 0)
    expect(events.runs.at(-1)).toMatchObject({ count: 1, succeeded: false, sentAt })
    expect(connection.overdue(Number.POSITIVE_INFINITY)).toBe(1)
  })

  test('is matched once', async () => {
    const { connection, side, answered } = await load({ window: 2 })
    connection.send(2)
    side.send(submitAck(2))
    await answered(1)
    connection.send(1)
    side.send(submitAck(3) + submitAck(1) + submitAck(1))
    await answered(3)
    expect(connection).toMatchObject({ sent: 3, acks: 3, mismatched: 0, duplicates: 1, inFlight: 0 })
    await side.receiveLike(submits(1, 3, 'cafe'))
  })

  // Most windows have more slots than requests: the number of slots divides the number of IDs.
  test.each([1, 2, 3, 7, 24, 100, 999])('in a window of %d: all is matched in any order', async (window) => {
    let left = 4000
    let seed = 1
    const { connection, answered } = await load({
      window,
      room(roomy) {
        const count = Math.min(left, roomy.room)
        left -= count
        roomy.send(count)
      },
      onAccept(side) {
        const waiting: string[] = []
        watchRequests(side, ({ id }) => {
          waiting.push(id)
          // Mostly one of the youngest, so that the oldest become very old.
          while (waiting.length > window / 2) {
            seed = (seed * 48_271) % 2_147_483_647
            const back = Math.floor((seed / 2_147_483_647) ** 3 * waiting.length)
            const answer = elementAt(waiting, -1 - back)
            waiting.splice(-1 - back, 1)
            side.send(`0000000e82${hexOf(answer)}00`)
          }
          if (Number(id) === 4000) side.send(waiting.map((last) => `0000000e82${hexOf(last)}00`).join(''))
        })
      },
    })
    const first = Math.min(left, connection.room)
    left -= first
    connection.send(first)
    await answered(4000)
    expect(connection).toMatchObject({ sent: 4000, acks: 4000, mismatched: 0, inFlight: 0, room: window })
    expect(connection.overdue(Number.POSITIVE_INFINITY)).toBe(0)
  })
})

describe('overdue', () => {
  test('counts the requests that were sent before a time', async () => {
    const { connection, side, answered } = await load()
    expect(connection.overdue(Number.POSITIVE_INFINITY)).toBe(0)
    const before = performance.now()
    connection.send(3)
    const sentAt = performance.now()
    await waitFor(
      () => performance.now() > sentAt,
      () => 'for the clock to go on',
    )
    const between = performance.now()
    connection.send(2)
    expect(connection.overdue(before)).toBe(0)
    expect(connection.overdue(between)).toBe(3)
    expect(connection.overdue(Number.POSITIVE_INFINITY)).toBe(5)
    await side.receiveLike(submits(1, 5, 'cafe'))
    side.send(submitAck(2) + submitAck(5))
    await answered(2)
    expect(connection.overdue(between)).toBe(2)
    expect(connection.overdue(Number.POSITIVE_INFINITY)).toBe(3)
  })
})

describe('forEachUnanswered', () => {
  const waiting = (connection: LoadConnection) => {
    const all: (readonly [dueAt: number, sentAt: number])[] = []
    connection.forEachUnanswered((dueAt, sentAt) => all.push([dueAt, sentAt]))
    return all
  }

  test('visits all requests without an answer, stragglers too, with the times they were due and sent', async () => {
    const { connection, side, answered } = await load({ window: 2 })
    let due = 0
    connection.send(2, () => ++due)
    await side.receiveLike(submits(1, 2, 'cafe'))
    side.send(submitAck(2))
    await answered(1)
    // The third takes the slot of the first, which is not answered yet.
    connection.send(1, () => ++due)
    const all = waiting(connection).sort(([one], [other]) => one - other)
    expect(all.map(([dueAt]) => dueAt)).toEqual([1, 3])
    for (const [, sentAt] of all) expect(sentAt).toBeGreaterThan(0)
  })

  test('visits the requests that were lost with a closed connection', async () => {
    const { connection, side, answered, untilClosed } = await load()
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    side.send(submitAck(1))
    await answered(1)
    side.socket.destroy()
    await untilClosed()
    expect(waiting(connection)).toHaveLength(2)
    for (const [dueAt, sentAt] of waiting(connection)) expect(dueAt).toBe(sentAt)
  })
})

describe('a server that reads nothing for a while', () => {
  test('gets every byte when it reads again, and until then there is no room', async () => {
    const window = 20_000
    const payload = Buffer.alloc(1024, 'abcdefg')
    const { connection, side, answered } = await load({
      reads: false,
      window,
      payload,
      room: (roomy) => roomy.send(window - roomy.sent),
    })
    connection.send(window)
    await turns(3)
    // 20 MB are more than the buffers of the system hold, so some of it is still in the process.
    expect(connection.sent).toBeLessThan(window)
    expect(connection.room).toBe(0)
    const { sent } = connection
    connection.send(1)
    expect(connection.sent).toBe(sent)
    side.read()
    await side.receive(window * (1024 + 13))
    // No frame was overwritten by a later one before the system had taken it.
    expect(side.receivedBytes.equals(manySubmits(1, window, payload))).toBe(true)
    expect(connection).toMatchObject({ sent: window, room: 0 })
    side.send(submitAcks(1, window))
    await answered(window)
    expect(connection).toMatchObject({ acks: window, mismatched: 0, inFlight: 0, room: window })
  })

  test('and then goes away is an error', async () => {
    const { connection, side, untilClosed } = await load({
      reads: false,
      window: 20_000,
      payload: Buffer.alloc(1024),
      room: (roomy) => roomy.send(20_000),
    })
    connection.send(20_000)
    await turns(3)
    side.reset()
    expect(await untilClosed()).toMatchObject({ code: 'ERR_CLIENT_CONNECTION_LOST', sent: true })
    expect(connection.room).toBe(0)
  })
})

describe('the end', () => {
  test('is not an error when we end it and all is answered', async () => {
    const { connection, side, answered, untilClosed, events } = await load()
    connection.send(2)
    await side.receiveLike(submits(1, 2, 'cafe'))
    side.send(submitAcks(1, 2))
    await answered(2)
    connection.end()
    expect(await side.receiveAll()).toBe(submits(1, 2, 'cafe'))
    expect(await untilClosed()).toBe(undefined)
    expect(events.endings).toHaveLength(1)
  })

  test('comes after the last answers: they are taken after our FIN, too', async () => {
    const { connection, side, untilClosed, events } = await load({ holdsOn: true })
    connection.send(2)
    connection.end()
    expect(await side.receiveAll()).toBe(submits(1, 2, 'cafe'))
    side.end(submitAcks(1, 2))
    expect(await untilClosed()).toBe(undefined)
    expect(connection).toMatchObject({ acks: 2, mismatched: 0 })
    expect(events.calls.at(-1)).toBe('closed')
  })

  test('is an error when the server ends it and requests are unanswered, which are counted', async () => {
    const { connection, side, untilClosed, events } = await load()
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    side.end(submitAck(2))
    expect(await untilClosed()).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_CONNECTION_LOST',
      message: 'the server ended the connection with 2 requests unanswered',
      sent: true,
    })
    expect(connection).toMatchObject({ sent: 3, acks: 1, inFlight: 2 })
    expect(events.endings).toHaveLength(1)
  })

  test('is an error when the connection is reset', async () => {
    const { connection, side, untilClosed } = await load()
    connection.send(1)
    await side.receiveLike(submit(1, 'cafe'))
    side.reset()
    expect(await untilClosed()).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      message: 'the connection was lost: read ECONNRESET',
      cause: { code: 'ECONNRESET' },
    })
  })

  test('is an error when the server ends it inside a frame, also when all is answered', async () => {
    const { connection, side, untilClosed } = await load()
    connection.send(1)
    await side.receiveLike(submit(1, 'cafe'))
    side.end(submitAck(1) + submitAck(2).slice(0, 10))
    expect(await untilClosed()).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      cause: { code: 'ERR_FRAME_TRUNCATED' },
    })
    expect(connection.acks).toBe(1)
  })

  test.each([
    ['an empty packet', frame(''), 'ERR_PACKET_MALFORMED'],
    ['a Conn', conn(1), 'ERR_PACKET_UNEXPECTED'],
    ['a Submit', submit(1), 'ERR_PACKET_UNEXPECTED'],
    ['a frame that is too long', 'ffffffff', 'ERR_FRAME_TOO_LONG'],
    ['the Go demo’s ConnAck', goDemo.connAck(1), 'ERR_PACKET_UNKNOWN_COMMAND'],
  ])('is an error when the server sends %s, after the answers before it', async (_what, hex, cause) => {
    const { connection, side, untilClosed, events } = await load()
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    side.send(submitAcks(1, 2) + hex)
    expect(await untilClosed()).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', cause: { code: cause } })
    expect(events.runs).toMatchObject([{ count: 2, succeeded: true }])
    expect(connection).toMatchObject({ acks: 2, inFlight: 1, room: 0 })
    await side.untilClosed()
  })

  test('is not an error when we destroy it', async () => {
    const { connection, side, untilClosed, events } = await load()
    connection.send(3)
    await side.receiveLike(submits(1, 3, 'cafe'))
    connection.destroy()
    expect(await untilClosed()).toBe(undefined)
    await side.untilClosed()
    expect(events.endings).toHaveLength(1)
  })

  test('leaves no room, and nothing more is sent', async () => {
    const { connection, side, untilClosed } = await load()
    connection.send(1)
    await side.receiveLike(submit(1, 'cafe'))
    connection.destroy()
    expect(connection.room).toBe(0)
    connection.send(5)
    await untilClosed()
    connection.send(5)
    expect(connection.sent).toBe(1)
    await side.untilClosed()
    expect(side.received).toBe(submit(1, 'cafe'))
  })

  test('comes last: nothing is reported after it', async () => {
    const { connection, events, untilClosed } = await load({
      reads: false,
      window: 20_000,
      payload: Buffer.alloc(1024),
    })
    // The system has not taken all of it: the callback of the write gets an error.
    connection.send(20_000)
    await turns(3)
    connection.destroy()
    await untilClosed()
    await turns(3)
    expect(events.calls.at(-1)).toBe('closed')
  })
})
