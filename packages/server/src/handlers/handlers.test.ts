import type { Peer } from '@demo/testkit/peer'
import { waitFor } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { conn, connAck, sortedAcks, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createServer, type HandlerOutcome, type Handlers, type Server } from '../index.ts'
import { Gate, startServer } from '../testing/harness.ts'
import { connectPeer } from '../testing/peer.ts'
import { underTest } from '../testing/transports.ts'

/** What no type checker would let a handler return. */
const outcome = (value: unknown) => value as HandlerOutcome

/** A server with exactly these handlers: the harness would see to errors itself. */
async function startBare(handlers: Handlers): Promise<{ server: Server; connect: () => Promise<Peer> }> {
  const server = createServer(handlers, underTest.options)
  const address = await underTest.listen(server as Server<never>)
  const peers: Peer[] = []
  onTestFinished(async () => {
    for (const peer of peers) peer.socket.destroy()
    await server.close({ timeout: 1 })
  })
  async function connect(): Promise<Peer> {
    const peer = await connectPeer(address)
    peers.push(peer)
    return peer
  }
  return { server, connect }
}

/** Sends a request that its handler treats badly between two that it treats well, and gives everything that came. */
async function askThree(connect: () => Promise<Peer>): Promise<string[]> {
  const peer = await connect()
  peer.end(submits(1, 3))
  return sortedAcks(await peer.receiveAll())
}

/** Handles the second request as told, all others with success. */
function onlySecond(handle: () => HandlerOutcome): Handlers['onSubmit'] {
  return ({ serial }) => (serial === 2 ? handle() : 0)
}

const SECOND_FAILED = [submitAck(1), submitAck(2, 1), submitAck(3)]
const SECOND_SUCCEEDED = [submitAck(1), submitAck(2), submitAck(3)]

describe('a request is answered once with the result', () => {
  test.each<[string, () => HandlerOutcome, 0 | 1]>([
    ['0', () => 0, 0],
    ['1', () => 1, 1],
    ['nothing, for success', () => undefined, 0],
    ['a promise of 0', async () => outcome(0), 0],
    ['a promise of 1', async () => outcome(1), 1],
    ['a promise of nothing, for success', async () => undefined, 0],
    ['a promise of a later turn', () => new Promise((resolve) => setImmediate(() => resolve(1))), 1],
    ['minus zero, which is zero', () => outcome(-0), 0],
  ])('%s', async (_name, handle, result) => {
    const { connect, errors, server } = await startServer({ onSubmit: onlySecond(handle) })
    expect(await askThree(connect)).toEqual(result === 0 ? SECOND_SUCCEEDED : SECOND_FAILED)
    expect(errors).toEqual([])
    expect(server.counters).toMatchObject({ successes: 3 - result, failures: result, unanswered: 0, inFlight: 0 })
  })
})

/** Things to throw, by name: not all of them can be made a string of. */
const THROWN: Array<[string, unknown]> = [
  ['an Error', new Error('no')],
  ['undefined', undefined],
  ['null', null],
  ['a string', 'no'],
  ['a symbol', Symbol('no')],
  ['an object without a prototype', Object.create(null)],
  [
    'an object whose toString throws',
    {
      toString() {
        throw new Error('no text')
      },
    },
  ],
  [
    'an Error whose stack throws',
    Object.defineProperty(new Error('no'), 'stack', {
      get() {
        throw new Error('no stack')
      },
    }),
  ],
]

describe.each(THROWN)('a handler that throws %s', (_name, thrown) => {
  const fail = (): HandlerOutcome => {
    throw thrown
  }

  test('has its request answered with 1, and onError called', async () => {
    const { connect, errors } = await startServer({ onSubmit: onlySecond(fail) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(errors).toEqual([thrown])
  })

  test('in its promise has its request answered with 1, and onError called', async () => {
    const { connect, errors } = await startServer({ onSubmit: onlySecond(async () => fail()) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(errors).toEqual([thrown])
  })

  test('hurts nobody where there is no onError', async () => {
    const { unhandled } = watchProcess()
    const { server, connect } = await startBare({ onSubmit: onlySecond(fail) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(server.counters.connectionsClosed['packet-error']).toBe(0)
    expect(unhandled).toEqual([])
  })

  test('in its promise hurts nobody where there is no onError', async () => {
    const { unhandled } = watchProcess()
    const { connect } = await startBare({ onSubmit: onlySecond(async () => fail()) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(unhandled).toEqual([])
  })
})

/** What is no result, and how the error is to name it. */
const JUNK: Array<[string, unknown, RegExp]> = [
  ['2', 2, /onSubmit returned 2:/],
  ['-1', -1, /onSubmit returned -1:/],
  ['0.5', 0.5, /onSubmit returned 0\.5:/],
  ['NaN', Number.NaN, /onSubmit returned NaN:/],
  ['the text 0', '0', /onSubmit returned ["']0["']:/],
  ['true', true, /onSubmit returned true:/],
  ['false', false, /onSubmit returned false:/],
  ['null', null, /onSubmit returned null:/],
  ['a BigInt', 1n, /onSubmit returned 1n:/],
  ['a symbol', Symbol('zero'), /onSubmit returned Symbol\(zero\):/],
  ['an object', { result: 0 }, /onSubmit returned object:/],
  ['an array', [0], /onSubmit returned object:/],
  ['an object without a prototype', Object.create(null), /onSubmit returned object:/],
  ['a function', () => 0, /onSubmit returned function:/],
]

describe.each(JUNK)('a handler that gives %s', (_name, junk, message) => {
  test('has its request answered with 1, once, and onError told what came', async () => {
    const { server, connect, errors, untilClosed } = await startServer({ onSubmit: onlySecond(() => outcome(junk)) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(errors).toEqual([expect.any(TypeError)])
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
    expect(server.counters).toMatchObject({ requestsReceived: 3, responsesSent: 3, inFlight: 0, unanswered: 0 })
  })

  test('in its promise has its request answered with 1, once, and onError told what came', async () => {
    const { unhandled } = watchProcess()
    const { server, connect, errors } = await startServer({ onSubmit: onlySecond(async () => outcome(junk)) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })])
    expect(server.counters).toMatchObject({ requestsReceived: 3, responsesSent: 3, inFlight: 0, unanswered: 0 })
    expect(unhandled).toEqual([])
  })
})

type CallBack = (value: unknown) => void

/** A thenable of another make than the language's. */
function thenable(then: (resolve: CallBack, reject: CallBack) => void): HandlerOutcome {
  return outcome({ then })
}

describe('a thenable', () => {
  test.each<[string, (resolve: CallBack, reject: CallBack) => void, 0 | 1, number]>([
    ['that calls back at once', (resolve) => resolve(0), 0, 0],
    [
      'that calls back twice',
      (resolve) => {
        resolve(0)
        resolve(1)
      },
      0,
      0,
    ],
    [
      'that succeeds, then fails',
      (resolve, reject) => {
        resolve(0)
        reject(new Error('late'))
      },
      0,
      0,
    ],
    [
      'that fails, then succeeds',
      (resolve, reject) => {
        reject(new Error('no'))
        resolve(0)
      },
      1,
      1,
    ],
    [
      'that calls back, then throws',
      (resolve) => {
        resolve(0)
        throw new Error('late')
      },
      0,
      0,
    ],
    [
      'that throws',
      () => {
        throw new Error('no')
      },
      1,
      1,
    ],
    [
      'that calls back twice, in two turns',
      (resolve) => {
        setImmediate(resolve, 1)
        setImmediate(() => setImmediate(resolve, 0))
      },
      1,
      0,
    ],
    ['that gives another one', (resolve) => resolve(thenable((again) => again(1))), 1, 0],
    ['that gives no result', (resolve) => resolve('fine'), 1, 1],
  ])('%s has its request answered once', async (_name, then, result, errorCount) => {
    const { server, connect, errors } = await startServer({ onSubmit: onlySecond(() => thenable(then)) })
    expect(await askThree(connect)).toEqual(result === 0 ? SECOND_SUCCEEDED : SECOND_FAILED)
    expect(errors).toHaveLength(errorCount)
    expect(server.counters).toMatchObject({ requestsReceived: 3, responsesSent: 3, inFlight: 0, unanswered: 0 })
  })

  test('whose then can’t even be looked at has its request answered with 1', async () => {
    const hostile = Object.defineProperty({}, 'then', {
      get() {
        throw new Error('do not touch')
      },
    })
    const { server, connect, errors } = await startServer({ onSubmit: onlySecond(() => outcome(hostile)) })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(errors).toMatchObject([{ message: 'do not touch' }])
    expect(server.counters).toMatchObject({ inFlight: 0, unanswered: 0 })
  })

  test('that is a function counts as one', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a bad thenable is what these tests are about
    const callable = Object.assign(() => 0, { then: (resolve: CallBack) => resolve(0) })
    const { connect } = await startServer({ onSubmit: onlySecond(() => outcome(callable)) })
    expect(await askThree(connect)).toEqual(SECOND_SUCCEEDED)
  })

  test.each<[string, (resolve: CallBack) => void]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    [
      'calls back twice',
      (resolve) => {
        resolve(0)
        resolve(1)
      },
    ],
  ])('that is a promise with a then of its own, which %s, has its request answered once', async (_name, then) => {
    const promise = Object.assign(Promise.resolve(0), { then })
    const { server, connect } = await startServer({ onSubmit: onlySecond(() => outcome(promise)) })
    // Whether its own then counts or what it was made with is not for us to say.
    expect([SECOND_SUCCEEDED, SECOND_FAILED]).toContainEqual(await askThree(connect))
    expect(server.counters).toMatchObject({ requestsReceived: 3, responsesSent: 3, inFlight: 0, unanswered: 0 })
  })
})

describe('a handler that never settles', () => {
  test('keeps nobody else waiting: others of its connection, other connections', async () => {
    const { open } = await startServer({
      onSubmit: ({ serial }) => (serial === 2 ? new Promise<never>(() => {}) : 0),
    })
    const first = await open()
    first.peer.send(submits(1, 4))
    expect(await first.peer.receive(42)).toBe(submitAck(1) + submitAcks(3, 4))
    const second = await open()
    second.peer.send(submit(1))
    expect(await second.peer.receive(14)).toBe(submitAck(1))
    expect(first.session.inFlight).toBe(1)
  })

  test.each<[string, (late: Gate) => void]>([
    ['settles late after all', (late) => late.release(0)],
    ['gives no result late after all', (late) => late.release(outcome('junk') as 0)],
    ['rejects late after all', (late) => late.waiting.shift()?.fail(new Error('late'))],
  ])('and %s has its request answered once, and its time reported once', async (_name, settle) => {
    const late = new Gate()
    const { server, connect, errors } = await startServer(
      { onSubmit: (submit) => (submit.serial === 1 ? late.wait(submit) : 0) },
      { handlerTimeout: 20 },
    )
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1, 1))
    settle(late)
    peer.end(submit(2))
    expect(await peer.receiveAll()).toBe(submitAck(1, 1) + submitAck(2))
    expect(errors).toMatchObject([{ code: 'ERR_SERVER_HANDLER_TIMEOUT', timeout: 20 }])
    expect(server.counters).toMatchObject({ responsesSent: 2, inFlight: 0, unanswered: 0 })
  })

  test('in onConn is answered with 1 after handlerTimeout, and unauthorized', async () => {
    const { connect, untilClosed } = await startServer(
      { onConn: () => new Promise<never>(() => {}) },
      { handlerTimeout: 20 },
    )
    const peer = await connect()
    peer.send(conn(1) + submit(2))
    expect(await peer.receiveAll()).toBe(connAck(1, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'unauthorized' }])
  })
})

describe('onConn', () => {
  test.each<[string, unknown]>([
    ['2', 2],
    ['true', true],
    ['null', null],
    ['a BigInt', 1n],
  ])('that gives %s refuses: nobody gets in by mistake', async (_name, junk) => {
    const { connect, errors, untilClosed, server } = await startServer({ onConn: () => outcome(junk) })
    const peer = await connect()
    peer.send(conn(1) + submit(2))
    expect(await peer.receiveAll()).toBe(connAck(1, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'unauthorized' }])
    expect(errors).toMatchObject([{ message: expect.stringContaining('onConn returned') }])
    expect(server.counters.requestsReceived).toBe(1)
  })

  test('that gives nothing accepts', async () => {
    const { connect } = await startServer({ onConn: () => {} })
    const peer = await connect()
    peer.send(conn(1) + submit(2))
    expect(await peer.receive(28)).toBe(connAck(1) + submitAck(2))
  })
})

describe('onOpen', () => {
  test('that throws closes its connection, calls onError and onClose, and hurts nobody else', async () => {
    let opened = 0
    const failure = new Error('no room')
    const { server, connect, errors, untilClosed, closings } = await startServer({
      onOpen() {
        opened += 1
        if (opened === 2) throw failure
      },
    })
    const first = await connect()
    const second = await connect()
    second.send(submit(1))
    expect(await second.receiveAll()).toBe('')
    await untilClosed(1)
    expect(closings).toMatchObject([{ reason: 'handler-closed' }])
    expect(errors).toEqual([failure])
    expect(server.counters).toMatchObject({ requestsReceived: 0 })
    first.send(submit(1))
    expect(await first.receive(14)).toBe(submitAck(1))
  })
})

describe('onClose', () => {
  test('that throws calls onError, and the next connection is closed as well as any', async () => {
    const failure = new Error('no')
    const { server, connect, errors, untilClosed } = await startServer({
      onClose() {
        throw failure
      },
    })
    for (let i = 1; i <= 2; i++) {
      const peer = await connect()
      peer.end(submit(1))
      expect(await peer.receiveAll()).toBe(submitAck(1))
      await untilClosed(i)
    }
    expect(errors).toEqual([failure, failure])
    expect(server.sessions.size).toBe(0)
    expect(await server.close()).toMatchObject({ connections: 0, cutOff: 0 })
  })

  test('that rejects is reported, and ends no process', async () => {
    const { unhandled } = watchProcess()
    const failure = new Error('no')
    const { connect, errors } = await startServer({ onClose: () => Promise.reject(failure) })
    const peer = await connect()
    peer.end(submit(1))
    await peer.receiveAll()
    await waitFor(
      () => errors.length + unhandled.length > 0,
      () => 'for the error to turn up',
    )
    expect(unhandled).toEqual([])
    expect(errors).toEqual([failure])
  })
})

describe('onError', () => {
  test('gets each error with its session', async () => {
    const told: unknown[] = []
    const { open } = await startServer({
      onSubmit({ serial }) {
        throw serial
      },
      onError: (error, session) => void told.push([error, session.id]),
    })
    const first = await open()
    first.peer.send(submits(1, 2))
    await first.peer.receive(28)
    const second = await open()
    second.peer.send(submit(3))
    await second.peer.receive(14)
    expect(told).toEqual([
      [1, first.session.id],
      [2, first.session.id],
      [3, second.session.id],
    ])
  })

  test('that throws itself hurts nobody: the requests are answered, one warning tells', async () => {
    const { warnings, unhandled } = watchProcess()
    const { connect } = await startServer({
      onSubmit(submit) {
        if (submit.serial === 2) throw new Error('sync')
        if (submit.serial === 3) return Promise.reject(new Error('async'))
        return 0
      },
      onError() {
        throw new Error('onError is broken')
      },
    })
    expect(await askThree(connect)).toEqual([submitAck(1), submitAck(2, 1), submitAck(3, 1)])
    await waitFor(
      () => warnings.length > 0,
      () => 'for a warning',
    )
    expect(warnings).toMatchObject([{ name: 'HandlerWarning', message: expect.stringContaining('onError is broken') }])
    expect(unhandled).toEqual([])
  })

  test('that rejects ends no process', async () => {
    const { unhandled } = watchProcess()
    const { connect } = await startServer({
      onSubmit: onlySecond(() => {
        throw new Error('no')
      }),
      onError: () => Promise.reject(new Error('onError is broken')),
    })
    expect(await askThree(connect)).toEqual(SECOND_FAILED)
    expect(unhandled).toEqual([])
  })

  test('may close the session', async () => {
    const { connect, untilClosed } = await startServer({
      onSubmit: onlySecond(() => {
        throw new Error('no')
      }),
      onError: (_error, session) => session.close(),
    })
    const peer = await connect()
    peer.send(submits(1, 3))
    expect(await peer.receiveAll()).toBe(submitAck(1) + submitAck(2, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
  })

  test('where there is none, one process warning tells of the first error', async () => {
    const { warnings } = watchProcess()
    const { connect } = await startBare({
      onSubmit() {
        throw new Error('the first of many')
      },
    })
    const peer = await connect()
    peer.send(submits(1, 20))
    expect(await peer.receive(280)).toHaveLength(560)
    await waitFor(
      () => warnings.length > 0,
      () => 'for a warning',
    )
    expect(warnings).toMatchObject([{ name: 'HandlerWarning', message: expect.stringContaining('the first of many') }])
  })
})

test('sync handlers are answered in order, also where they throw or give junk', async () => {
  const kinds: Array<() => HandlerOutcome> = [
    () => 0,
    () => {
      throw new Error('no')
    },
    () => outcome('junk'),
    () => 1,
  ]
  const { connect } = await startServer({ onSubmit: ({ serial }) => kinds[serial % kinds.length]?.() })
  const peer = await connect()
  peer.end(submits(0, 39))
  const expected = Array.from({ length: 40 }, (_, serial) => submitAck(serial, serial % kinds.length === 0 ? 0 : 1))
  expect(await peer.receiveAll()).toBe(expected.join(''))
})

describe('exactly one answer each', () => {
  test('whatever the handlers do, in whatever mix', async () => {
    const late = new Gate()
    const kinds: Array<(submit: { id: string }) => HandlerOutcome> = [
      () => 0,
      () => 1,
      () => undefined,
      () => outcome('junk'),
      () => {
        throw new Error('sync')
      },
      async () => undefined,
      async () => outcome(1),
      async () => outcome(null),
      () => Promise.reject(new Error('async')),
      () => new Promise((resolve) => setImmediate(resolve, 0)),
      (submit) => late.wait(submit),
      () =>
        thenable((resolve, reject) => {
          resolve(0)
          reject(1)
        }),
      () => new Promise<never>(() => {}),
    ]
    const failing = new Set([1, 3, 4, 6, 7, 8, 12])
    const { server, connect, untilClosed } = await startServer(
      { onSubmit: (submit) => kinds[submit.serial % kinds.length]?.(submit) },
      { handlerTimeout: 500, maxInFlight: 300 },
    )
    const count = kinds.length * 40
    const peer = await connect()
    peer.end(submits(0, count - 1))
    await late.holds(40)
    late.release()
    const expected = Array.from({ length: count }, (_, serial) =>
      submitAck(serial, failing.has(serial % kinds.length) ? 1 : 0),
    )
    expect(sortedAcks(await peer.receiveAll())).toEqual(expected.sort())
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
    expect(server.counters).toMatchObject({
      requestsReceived: count,
      responsesSent: count,
      failures: failing.size * 40,
      inFlight: 0,
      unanswered: 0,
    })
  })
})

describe('handlers are checked when the server is made', () => {
  test.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['an empty object', {}],
    ['onSubmit that is no function', { onSubmit: 0 }],
  ])('%s', (_name, handlers) => {
    expect(() => createServer(handlers as Handlers)).toThrow(TypeError)
    expect(() => createServer(handlers as Handlers)).toThrow(/invalid handlers.onSubmit .*: expected a function/)
  })

  test.each(['onConn', 'onOpen', 'onClose', 'onError'])('%s that is no function', (name) => {
    const handlers = { onSubmit: () => 0, [name]: 'yes' } as unknown as Handlers
    expect(() => createServer(handlers)).toThrow(`invalid handlers.${name} "yes": expected a function`)
  })

  test('those of a class keep their this', async () => {
    class Service implements Handlers {
      readonly seen: string[] = []
      onSubmit({ id }: { id: string }): 0 {
        this.seen.push(id)
        return 0
      }
    }
    const service = new Service()
    const { connect } = await startBare(service)
    const peer = await connect()
    peer.send(submit(1))
    await peer.receive(14)
    expect(service.seen).toEqual(['00000001'])
  })

  test('the simplest async handler there is needs no type annotation', async () => {
    const { connect } = await startBare({
      async onSubmit() {
        await undefined
        return 0
      },
    })
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })
})
