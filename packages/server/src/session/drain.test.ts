import { waitFor, within } from '@demo/testkit/wait-for'
import { conn, connAck, manySubmits, sortedAcks, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { CloseOptions, CloseSummary, ServerOptions } from '../index.ts'
import { Gate, type Running, startServer } from '../testing/harness.ts'
import { connectPeer } from '../testing/peer.ts'
import { testWithReset } from '../testing/transports.ts'

const ACK_LENGTH = 14

/** Waits until the server has seen that it is to close, and its sessions with it. */
async function untilDraining({ opened }: Running): Promise<void> {
  await waitFor(
    () => opened.every(({ state }) => state !== 'open'),
    () => `for the sessions to drain; they are ${opened.map(({ state }) => state).join(', ')}`,
  )
}

type PeerOptions = Parameters<Running['open']>[0]

/** Starts a server, and sends it requests whose handlers wait: until so many do. */
async function holdRequests(bytes: string, count: number, options?: ServerOptions, peer?: PeerOptions) {
  const gate = new Gate()
  const running = await startServer({ onSubmit: gate.wait }, options)
  const connected = await running.open(peer)
  connected.peer.send(bytes)
  await gate.holds(count)
  return { gate, running, ...connected }
}

describe('close()', () => {
  test('answers what is in flight, then ends the connection with a FIN', async () => {
    const { gate, running, peer, session } = await holdRequests(submits(1, 10), 10)
    const closing = running.server.close()
    await untilDraining(running)
    expect(session.state).toBe('answering')
    expect(peer.ended).toBe(false)
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAcks(1, 10))
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    await peer.untilClosed()
    expect(peer.error).toBeUndefined()
    expect(running.closings).toEqual([{ session, reason: 'draining', error: undefined }])
    expect(running.server.counters.connectionsClosed.draining).toBe(1)
    expect(session.state).toBe('closed')
  })

  test('answers everything received, also what is queued behind maxInFlight', async () => {
    const { gate, running, peer, session } = await holdRequests(submits(1, 25), 2, { maxInFlight: 2 })
    await waitFor(
      () => session.receivedBytes === 25 * 13,
      () => `for everything to be received; there are ${session.receivedBytes} bytes`,
    )
    const closing = running.server.close()
    await untilDraining(running)
    expect(session.state).toBe('finishing')
    for (let answered = 0; answered < 25; answered += 1) {
      await gate.holds(1)
      gate.waiting.shift()?.settle(0)
      await peer.receive((answered + 1) * ACK_LENGTH)
    }
    expect(await peer.receiveAll()).toBe(submitAcks(1, 25))
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(gate.most).toBe(2)
  })

  test('answers what waits behind a pending Conn', async () => {
    const gate = new Gate()
    const running = await startServer({ onConn: gate.wait })
    const { peer } = await running.open()
    peer.send(conn(1) + submits(2, 5))
    await gate.holds(1)
    const closing = running.server.close()
    await untilDraining(running)
    gate.release()
    expect(await peer.receiveAll()).toBe(connAck(1) + submitAcks(2, 5))
    expect(await closing).toMatchObject({ cutOff: 0, unanswered: 0 })
    expect(running.closings).toMatchObject([{ reason: 'draining' }])
  })

  test('answers what waits for a peer that reads late', async () => {
    const count = 400_000
    const running = await startServer({}, { maxWriteBuffer: 4096 })
    const { peer, session, serverSide } = await running.open({ reads: false })
    const sent = peer.sent(manySubmits(0, count))
    await waitFor(
      () => serverSide.unsentBytes > 0 && serverSide.paused,
      () => 'for the server to have enough',
    )
    const closing = running.server.close()
    await untilDraining(running)
    const received = session.receivedBytes
    peer.read()
    await peer.receiveAll()
    await sent
    peer.end()
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    // Every request whose last byte was received has its ack, none has two.
    expect(received).toBeLessThan(count * 13)
    expect(peer.receivedLength).toBe(Math.floor(received / 13) * ACK_LENGTH)
    expect(new Set(sortedAcks(peer.received)).size).toBe(Math.floor(received / 13))
    expect(running.server.counters.requestsReceived).toBe(running.server.counters.responsesSent)
  })

  test('ends idle connections at once', async () => {
    const running = await startServer()
    const peers = [await running.connect(), await running.connect(), await running.connect()]
    await waitFor(
      () => running.opened.length === 3,
      () => 'for three open sessions',
    )
    const summary = await running.server.close()
    expect(summary).toMatchObject({ connections: 3, cutOff: 0, unanswered: 0 })
    expect(running.closings.map(({ reason }) => reason)).toEqual(['draining', 'draining', 'draining'])
    for (const peer of peers) {
      expect(await peer.receiveAll()).toBe('')
      expect(peer.error).toBeUndefined()
    }
  })

  test('ends a connection that never sent the required Conn', async () => {
    const running = await startServer({ onConn: () => 0 })
    const { peer } = await running.open()
    expect(await running.server.close()).toMatchObject({ connections: 1, cutOff: 0 })
    expect(await peer.receiveAll()).toBe('')
    expect(running.closings).toMatchObject([{ reason: 'draining', error: undefined }])
  })

  test('leaves a frame that did not come whole: no error, no handler', async () => {
    const running = await startServer()
    const { peer, session } = await running.open()
    peer.send(submit(1) + submit(2).slice(0, -2))
    await waitFor(
      () => session.receivedBytes === 25,
      () => 'for all but one byte',
    )
    const closing = running.server.close()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await closing).toMatchObject({ cutOff: 0, unanswered: 0 })
    expect(running.closings).toMatchObject([{ reason: 'draining', error: undefined }])
  })

  test('reads no more: a request that comes while it drains is not handled, and causes no reset', async () => {
    const { gate, running, peer, session } = await holdRequests(submit(1), 1, {}, { holdsOn: true })
    const closing = running.server.close()
    await untilDraining(running)
    await peer.sent(submits(2, 100))
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    // Also what comes after the FIN is taken and thrown away.
    await peer.sent(submits(101, 200))
    await waitFor(
      () => session.receivedBytes === 200 * 13,
      () => `for the server to take it; it took ${session.receivedBytes} bytes`,
    )
    peer.end()
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    await peer.untilClosed()
    expect(peer.error).toBeUndefined()
    expect(session.requests).toBe(1)
    expect(gate.waiting).toEqual([])
  })

  test('still closes a malformed stream as what it is', async () => {
    const { gate, running, peer } = await holdRequests(`${submits(1, 2)}00000003`, 1, { maxInFlight: 1 })
    const closing = running.server.close()
    await untilDraining(running)
    gate.release()
    await gate.holds(1)
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAcks(1, 2))
    expect(await closing).toMatchObject({ cutOff: 0, unanswered: 0 })
    expect(running.closings).toMatchObject([{ reason: 'frame-error', error: { code: 'ERR_FRAME_TOO_SHORT' } }])
  })

  test('accepts nobody from its call on', async () => {
    const { gate, running } = await holdRequests(submit(1), 1)
    const closing = running.server.close()
    expect(running.server.address).toBeUndefined()
    await expect(connectPeer(running.address)).rejects.toMatchObject({
      code: expect.stringMatching(/^(ECONNREFUSED|ENOENT)$/),
    })
    gate.release()
    await closing
    expect(running.server.counters.connectionsOpened).toBe(1)
  })

  test('waits for a connection that is on its way out already', async () => {
    const gate = new Gate()
    const running = await startServer({ onSubmit: gate.wait })
    const { peer, session } = await running.open()
    peer.end(submit(1))
    await gate.holds(1)
    await waitFor(
      () => session.state === 'answering',
      () => `for the end to be seen; the session is ${session.state}`,
    )
    const closing = running.server.close()
    setImmediate(() => gate.release())
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(running.closings).toMatchObject([{ reason: 'peer-closed' }])
  })
})

describe('close() from within', () => {
  test('a sync handler: its own request and the rest of the chunk are answered', async () => {
    let closing: Promise<CloseSummary> | undefined
    const running: Running = await startServer({
      onSubmit({ serial }) {
        if (serial === 2) closing = running.server.close()
        return 0
      },
    })
    const { peer } = await running.open()
    const bystander = await running.open()
    peer.send(submits(1, 5))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 5))
    expect(await bystander.peer.receiveAll()).toBe('')
    expect(await closing).toMatchObject({ connections: 2, cutOff: 0, unanswered: 0 })
  })

  test('an async handler: its own request is answered', async () => {
    let closing: Promise<CloseSummary> | undefined
    const running: Running = await startServer({
      async onSubmit() {
        await undefined
        closing = running.server.close()
      },
    })
    const { peer } = await running.open()
    peer.send(submit(1))
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
  })

  test('a handler that awaits it: the deadline cuts it off, nothing hangs', async () => {
    const running: Running = await startServer({
      async onSubmit() {
        await running.server.close({ timeout: 30 })
      },
    })
    const { peer } = await running.open()
    peer.send(submit(1))
    await peer.untilClosed()
    expect(await running.server.close()).toMatchObject({ connections: 1, cutOff: 1, unanswered: 1 })
  })

  test('onOpen', async () => {
    const running: Running = await startServer({ onOpen: () => void running.server.close() })
    const peer = await running.connect()
    expect(await peer.receiveAll()).toBe('')
    expect(await running.server.close()).toMatchObject({ connections: 1, cutOff: 0 })
    expect(running.closings).toMatchObject([{ reason: 'draining' }])
  })

  test('onClose', async () => {
    const running: Running = await startServer({ onClose: () => void running.server.close() })
    const first = await running.open()
    await running.open()
    first.peer.end()
    await running.untilClosed(2)
    expect(running.closings.map(({ reason }) => reason)).toEqual(['peer-closed', 'draining'])
    expect(await running.server.close()).toMatchObject({ connections: 1, cutOff: 0 })
  })
})

describe('a peer that does not end its side', () => {
  test('is waited for during lingerTimeout, then hung up on: nothing was cut off', async () => {
    const lingerTimeout = 60
    const running = await startServer({}, { lingerTimeout })
    const { peer, session } = await running.open({ holdsOn: true })
    peer.send(submit(1))
    await peer.receive(ACK_LENGTH)
    const startedAt = performance.now()
    const closing = running.server.close()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(session.state).toBe('lingering')
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(lingerTimeout)
    expect(running.closings).toMatchObject([{ reason: 'draining', error: undefined }])
  })

  test('is hung up on at the deadline, when that comes first: nothing was cut off', async () => {
    const running = await startServer({}, { lingerTimeout: 0 })
    const { peer } = await running.open({ holdsOn: true })
    const summary = await running.server.close({ timeout: 40 })
    expect(summary).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    // A timer may be a part of a millisecond early by the clock of the summary.
    expect(summary.duration).toBeGreaterThanOrEqual(39)
    expect(await peer.receiveAll()).toBe('')
    expect(running.closings).toMatchObject([{ reason: 'draining' }])
  })
})

describe('the deadline of close()', () => {
  test('cuts off what did not finish, and says how many', async () => {
    const gate = new Gate()
    const running = await startServer({ onSubmit: (submit) => (submit.serial > 100 ? gate.wait(submit) : 0) })
    const stuck = [await running.open(), await running.open()]
    const fine = await running.open()
    for (const { peer } of stuck) peer.send(submits(99, 103))
    fine.peer.send(submits(1, 2))
    await gate.holds(6)
    await fine.peer.receive(2 * ACK_LENGTH)

    const signals = stuck.map(({ session }) => session.signal)
    const summary = await running.server.close({ timeout: 40 })
    expect(summary).toMatchObject({ connections: 3, cutOff: 2, unanswered: 6 })
    expect(summary.duration).toBeGreaterThanOrEqual(39)
    for (const { peer } of stuck) {
      await peer.untilClosed()
      expect(peer.received).toBe(submitAcks(99, 100))
    }
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(running.server.counters).toMatchObject({ unanswered: 6, inFlight: 0 })
    expect(running.server.counters.connectionsClosed).toMatchObject({ draining: 1, 'drain-timeout': 2 })
    expect(running.server.sessions.size).toBe(0)
  })

  test('counts also the requests that waited behind maxInFlight', async () => {
    const { running } = await holdRequests(submits(1, 5), 1, { maxInFlight: 1 })
    expect(await running.server.close({ timeout: 20 })).toMatchObject({ connections: 1, cutOff: 1, unanswered: 5 })
  })

  test('cuts off a peer that reads nothing', async () => {
    const running = await startServer({}, { writeTimeout: 0 })
    const { peer, serverSide } = await running.open({ reads: false })
    peer.send(manySubmits(0, 1_000_000))
    await waitFor(
      () => serverSide.unsentBytes > 0 && serverSide.paused,
      () => 'for the server to have enough',
    )
    expect(await running.server.close({ timeout: 20 })).toMatchObject({ connections: 1, cutOff: 1 })
    expect(running.closings).toMatchObject([{ reason: 'drain-timeout' }])
  })

  test('leaves the reason of a connection that was closing for another', async () => {
    const running = await startServer({}, { lingerTimeout: 0 })
    const { peer, session } = await running.open({ holdsOn: true })
    peer.send('00000003')
    await peer.receiveAll()
    expect(session.state).toBe('lingering')
    expect(await running.server.close({ timeout: 20 })).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(running.closings).toMatchObject([{ reason: 'frame-error', error: { code: 'ERR_FRAME_TOO_SHORT' } }])
  })

  testWithReset('counts only what it cut off itself: not a connection that the peer reset', async () => {
    const gate = new Gate()
    const running = await startServer({ onSubmit: gate.wait })
    const lost = await running.open()
    const stuck = await running.open()
    lost.peer.send(submits(1, 2))
    await gate.holds(2)
    stuck.peer.send(submit(3))
    await gate.holds(3)
    const closing = running.server.close({ timeout: 100 })
    await untilDraining(running)
    lost.peer.reset()
    // The reset shows at the first answer; the other one finds nobody.
    gate.waiting.shift()?.settle(0)
    await running.untilClosed(1)
    expect(await closing).toMatchObject({ connections: 2, cutOff: 1, unanswered: 1 })
  })

  test.each<[string, { timeout?: number }]>([
    ['0, which is none', { timeout: 0 }],
    ['Infinity, which is none', { timeout: Number.POSITIVE_INFINITY }],
    ['more than a timer can wait', { timeout: 2 ** 31 }],
    ['the longest that a timer can wait', { timeout: 2 ** 31 - 1 }],
    ['the standard', {}],
  ])('never comes early: %s', async (_name, options) => {
    const { gate, running, peer } = await holdRequests(submit(1), 1)
    const closing = running.server.close(options)
    await untilDraining(running)
    // A timer that is set later, and for longer than the shortest there is: that is what Node makes of too long ones.
    await new Promise((resolve) => setTimeout(resolve, 2))
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
  })

  test.each<[string, unknown]>([
    ['-1', -1],
    ['NaN', Number.NaN],
    ['a string', '5s'],
    ['null', null],
    ['a BigInt', 5n],
  ])('can’t be %s: close() rejects, and the server goes on', async (_name, timeout) => {
    const running = await startServer()
    const { peer } = await running.open()
    const closing = running.server.close({ timeout } as CloseOptions)
    await expect(closing).rejects.toMatchObject({ code: 'ERR_SERVER_OPTION', option: 'timeout', value: timeout })
    peer.send(submit(1))
    expect(await peer.receive(ACK_LENGTH)).toBe(submitAck(1))
  })
})

testWithReset('a connection that the peer resets while it drains is closed as that: not all was answered', async () => {
  const gate = new Gate()
  const running = await startServer({ onSubmit: gate.wait })
  const { peer } = await running.open()
  peer.send(submits(1, 2))
  await gate.holds(2)
  const closing = running.server.close()
  await untilDraining(running)
  peer.reset()
  gate.waiting.shift()?.settle(0)
  expect(await running.untilClosed(1)).toMatchObject([
    { reason: 'peer-reset', error: { code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) } },
  ])
  expect(await closing).toMatchObject({ connections: 1, cutOff: 0 })
  expect(running.server.counters.unanswered).toBe(1)
})

test('a Conn whose handler does not settle has its handshakeTimeout in a drain, too', async () => {
  const signals: AbortSignal[] = []
  const running = await startServer(
    {
      onConn(_conn, { signal }) {
        signals.push(signal)
        return new Promise<never>(() => {})
      },
    },
    { handshakeTimeout: 60, handlerTimeout: 0 },
  )
  const { peer } = await running.open()
  peer.send(conn(1))
  await waitFor(
    () => signals.length === 1,
    () => 'for the Conn to be handled',
  )
  const closing = running.server.close({ timeout: 0 })
  expect(await peer.receiveAll()).toBe(connAck(1, 1))
  expect(await within(closing, 'for the drain')).toMatchObject({ cutOff: 0, unanswered: 0 })
  expect(signals[0]?.aborted).toBe(true)
})

describe('a second close()', () => {
  test('with a shorter deadline cuts the drain off at it, and gives the same promise', async () => {
    const { running } = await holdRequests(submits(1, 2), 2)
    const first = running.server.close({ timeout: 0 })
    await untilDraining(running)
    const second = running.server.close({ timeout: 20 })
    expect(second).toBe(first)
    expect(await within(first, 'for the second deadline')).toMatchObject({ connections: 1, cutOff: 1, unanswered: 2 })
    expect(running.closings).toMatchObject([{ reason: 'drain-timeout' }])
  })

  test.each<[string, CloseOptions | undefined]>([
    ['with a later deadline', { timeout: 60_000 }],
    ['without a limit', { timeout: 0 }],
    ['without a timeout', undefined],
  ])('%s does not make the drain longer', async (_name, options) => {
    const { running } = await holdRequests(submit(1), 1)
    const closing = running.server.close({ timeout: 40 })
    expect(running.server.close(options)).toBe(closing)
    expect(await within(closing, 'for the first deadline')).toMatchObject({ cutOff: 1, unanswered: 1 })
  })

  test('without a timeout does not make the drain shorter either', async () => {
    const gate = new Gate()
    const running = await startServer({ onSubmit: gate.wait })
    const timers = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => timers.mockRestore())
    const { peer } = await running.open()
    peer.send(submit(1))
    await gate.holds(1)
    const closing = running.server.close({ timeout: 0 })
    await untilDraining(running)
    const before = timers.mock.calls.length
    expect(running.server.close()).toBe(closing)
    expect(timers.mock.calls.slice(before)).toEqual([])
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await closing).toMatchObject({ cutOff: 0, unanswered: 0 })
  })

  test('after the first was through gives what came of it', async () => {
    const { server } = await startServer()
    const summary = await server.close()
    expect(await server.close({ timeout: 1 })).toBe(summary)
    expect(await server.destroy()).toBe(summary)
  })

  test('by Symbol.asyncDispose waits for the first', async () => {
    const { gate, running, peer } = await holdRequests(submit(1), 1)
    const closing = running.server.close()
    const disposing = running.server[Symbol.asyncDispose]()
    await untilDraining(running)
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    await within(disposing, 'for the server to be disposed of')
    expect(await closing).toMatchObject({ cutOff: 0 })
  })
})

describe('time limits hold while the server drains', () => {
  test('handlerTimeout', async () => {
    const { running, peer } = await holdRequests(submits(1, 3), 3, { handlerTimeout: 40 })
    const closing = running.server.close({ timeout: 0 })
    expect(await peer.receiveAll()).toBe(submitAck(1, 1) + submitAck(2, 1) + submitAck(3, 1))
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(running.closings).toMatchObject([{ reason: 'draining' }])
  })

  test('writeTimeout', async () => {
    const running = await startServer({}, { writeTimeout: 40 })
    const { peer, serverSide } = await running.open({ reads: false })
    peer.send(manySubmits(0, 1_000_000))
    await waitFor(
      () => serverSide.unsentBytes > 0 && serverSide.paused,
      () => 'for the server to have enough',
    )
    const closing = running.server.close({ timeout: 0 })
    expect(await running.untilClosed(1)).toMatchObject([{ reason: 'write-timeout' }])
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0 })
  })
})
