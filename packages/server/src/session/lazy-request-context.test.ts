import { waitFor } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { conn, sortedAcks, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Handlers, RequestContext } from '../index.ts'
import { Gate, startServer } from '../testing/harness.ts'
import { testWithReset } from '../testing/transports.ts'
import { FrameSession } from './frame-session.ts'

/** Rejects with the signal's reason when it aborts, as `fetch` does. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** Waits until what is still to be reported has been. */
const someTurns = async () => {
  for (let i = 0; i < 3; i += 1) await new Promise(setImmediate)
}

describe('a context', () => {
  test('has the session, the ID, when the request came, and by when it is to be answered', async () => {
    const contexts: RequestContext[] = []
    const before = performance.now()
    const { open } = await startServer(
      { onSubmit: (_submit, context) => void contexts.push(context) },
      { handlerTimeout: 1234 },
    )
    const { peer, session } = await open()
    peer.send(submits(1, 2))
    await peer.receive(28)
    expect(contexts.map(({ id }) => id)).toEqual(['00000001', '00000002'])
    for (const context of contexts) {
      expect(context.session).toBe(session)
      expect(context.receivedAt).toBeGreaterThan(before)
      expect(context.receivedAt).toBeLessThan(performance.now())
      expect(context.deadline).toBeGreaterThanOrEqual(context.receivedAt + 1234)
      expect(context.deadline).toBeLessThan(performance.now() + 1234)
    }
  })

  test('has no deadline where there is no limit', async () => {
    const deadlines: number[] = []
    const { connect } = await startServer(
      { onSubmit: (_submit, { deadline }) => void deadlines.push(deadline) },
      { handlerTimeout: 0 },
    )
    const peer = await connect()
    peer.send(submit(1))
    await peer.receive(14)
    expect(deadlines).toEqual([Number.POSITIVE_INFINITY])
  })

  test('of a required Conn ends with the handshake, that of a Submit does not', async () => {
    const deadlines: number[] = []
    const tell = (_packet: unknown, { deadline }: RequestContext) => void deadlines.push(deadline - performance.now())
    const { connect } = await startServer(
      { onConn: tell, onSubmit: tell },
      { handshakeTimeout: 5000, handlerTimeout: 90_000 },
    )
    const peer = await connect()
    peer.send(conn(1) + submit(2))
    await peer.receive(28)
    expect(deadlines[0]).toBeLessThanOrEqual(5000)
    expect(deadlines[1]).toBeGreaterThan(80_000)
  })

  test('says when a request came that waited for others', async () => {
    const gate = new Gate()
    const times: number[][] = []
    const { open } = await startServer(
      {
        onSubmit(request, { receivedAt, deadline }) {
          times.push([receivedAt, deadline])
          return gate.wait(request)
        },
      },
      { maxInFlight: 1, handlerTimeout: 1000 },
    )
    const { peer } = await open()
    peer.send(submits(1, 2))
    await gate.holds(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    gate.release()
    await gate.holds(1)
    gate.release()
    await peer.receive(28)
    const [[received, deadline] = [], [receivedToo, later] = []] = times
    expect(receivedToo).toBe(received)
    expect(later).toBeGreaterThan(Number(deadline))
  })

  test('keeps its ID where the read buffer is used again', async () => {
    const ids: string[] = []
    const gate = new Gate()
    const { connect } = await startServer(
      {
        async onSubmit(request, context) {
          await gate.wait(request)
          ids.push(context.id)
        },
      },
      { reuseReadBuffer: true },
    )
    const peer = await connect()
    peer.send(submit(1))
    await gate.holds(1)
    peer.send(submit(2))
    await gate.holds(2)
    gate.release()
    expect(sortedAcks(await peer.receive(28))).toEqual([submitAck(1), submitAck(2)])
    expect(ids).toEqual(['00000001', '00000002'])
  })
})

describe('a context is made', () => {
  const times = () => vi.spyOn(FrameSession.prototype as unknown as { timesNow(): unknown }, 'timesNow')
  afterEach(() => void vi.restoreAllMocks())

  test.each<[string, Handlers['onSubmit'], number]>([
    ['for no handler that is declared with the packet alone', (_submit) => 0, 0],
    ['for two parameters', (_submit, _context) => 0, 1],
    ['for rest parameters', (...args) => (args.length === 2 ? 0 : 1), 1],
  ])('%s', async (_name, onSubmit, count) => {
    const made = times()
    const { connect } = await startServer({ onSubmit })
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(made).toHaveBeenCalledTimes(count)
  })
})

describe('the signal of a request', () => {
  test('aborts when it overran its time; its 100 neighbours, who listen to theirs, are not hurt', async () => {
    const { warnings } = watchProcess()
    const gate = new Gate()
    const signals: AbortSignal[] = []
    const { open, errors } = await startServer(
      {
        onSubmit(request, { signal, session }) {
          signals.push(signal)
          if (request.serial === 1) return untilAborted(signal)
          return Promise.race([gate.wait(request), untilAborted(signal), untilAborted(session.signal)])
        },
      },
      { handlerTimeout: 300 },
    )
    const { peer, session } = await open()
    peer.send(submit(1))
    await waitFor(
      () => signals.length === 1,
      () => 'for the slow one to start',
    )
    // So its neighbours have time left when it has none.
    await new Promise((resolve) => setTimeout(resolve, 150))
    peer.send(submits(2, 101))
    expect(await peer.receive(14)).toBe(submitAck(1, 1))
    await gate.holds(100)
    gate.release()
    expect(sortedAcks((await peer.receive(101 * 14)).slice(28))).toHaveLength(100)
    expect(sortedAcks(peer.received.slice(28)).join('')).toBe(submitAcks(2, 101))
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, ...Array(100).fill(false)])
    // The rejection that the abort caused is not told a second time.
    await someTurns()
    expect(errors).toMatchObject([{ code: 'ERR_SERVER_HANDLER_TIMEOUT', timeout: 300 }])
    expect(signals[0]?.reason).toBe(errors[0])
    expect(session).toMatchObject({ state: 'open', signal: { aborted: false } })
    expect(warnings).toEqual([])
  })

  testWithReset('aborts when the connection goes, with the reason, and what that makes fail is not told', async () => {
    const signals: AbortSignal[] = []
    const { open, errors, untilClosed, server } = await startServer({
      onSubmit(_submit, { signal }) {
        signals.push(signal)
        return untilAborted(signal)
      },
    })
    const { peer, session } = await open()
    peer.send(submits(1, 3))
    await waitFor(
      () => signals.length === 3,
      () => 'for three handlers',
    )
    peer.reset()
    await untilClosed(1)
    const reason = { code: 'ERR_SERVER_CONNECTION_CLOSED', reason: 'peer-reset', cause: { code: 'ECONNRESET' } }
    for (const signal of signals) expect(signal).toMatchObject({ aborted: true, reason })
    expect(session.signal.reason).toBe(signals[0]?.reason)
    await someTurns()
    expect(errors).toEqual([])
    expect(server.counters).toMatchObject({ unanswered: 3, inFlight: 0 })
  })

  testWithReset('does not keep quiet what else a handler throws when its connection is gone', async () => {
    const gate = new Gate()
    const { open, errors, untilClosed } = await startServer({ onSubmit: gate.wait })
    const { peer, session } = await open()
    const { signal } = session
    peer.send(submit(1))
    await gate.holds(1)
    peer.reset()
    await untilClosed(1)
    expect(signal.aborted).toBe(true)
    const failure = new Error('of its own')
    gate.waiting.shift()?.fail(failure)
    await someTurns()
    expect(errors).toEqual([failure])
  })

  test("aborts at the drain's deadline", async () => {
    const reasons: unknown[] = []
    const { open, server } = await startServer({
      onSubmit: (_submit, { signal }) => untilAborted(signal).catch((reason) => void reasons.push(reason)),
    })
    const { peer, session } = await open()
    peer.send(submit(1))
    await waitFor(
      () => session.inFlight === 1,
      () => 'for the handler',
    )
    const closing = server.close({ timeout: 20 })
    expect(session.signal.aborted).toBe(false)
    expect(await closing).toMatchObject({ cutOff: 1, unanswered: 1 })
    await someTurns()
    expect(reasons).toMatchObject([{ code: 'ERR_SERVER_CONNECTION_CLOSED', reason: 'drain-timeout' }])
  })

  test('read late, is aborted where that is so, and else not', async () => {
    const contexts: RequestContext[] = []
    const { open, untilClosed } = await startServer(
      {
        onSubmit(request, context) {
          contexts.push(context)
          return request.serial === 1 ? new Promise<never>(() => {}) : 0
        },
      },
      { handlerTimeout: 20 },
    )
    const { peer } = await open()
    peer.send(submits(1, 3))
    await peer.receive(3 * 14)
    const [overran, answered, readLast] = contexts
    expect(overran?.signal).toMatchObject({ aborted: true, reason: { code: 'ERR_SERVER_HANDLER_TIMEOUT' } })
    const { signal } = answered ?? {}
    expect(signal?.aborted).toBe(false)
    peer.end()
    await untilClosed(1)
    // It was answered, and nothing of it is to stop.
    expect(answered?.signal).toBe(signal)
    expect(signal?.aborted).toBe(false)
    expect(readLast?.signal).toMatchObject({ aborted: true, reason: { code: 'ERR_SERVER_CONNECTION_CLOSED' } })
  })

  test('and that of a session may have any number of listeners without a warning', async () => {
    const { warnings } = watchProcess()
    const { open } = await startServer({
      onSubmit(_submit, { signal }) {
        for (let i = 0; i < 20; i += 1) signal.addEventListener('abort', () => {})
      },
    })
    const { peer, session } = await open()
    for (let i = 0; i < 20; i += 1) session.signal.addEventListener('abort', () => {})
    peer.send(submit(1))
    await peer.receive(14)
    await someTurns()
    expect(warnings).toEqual([])
  })
})
