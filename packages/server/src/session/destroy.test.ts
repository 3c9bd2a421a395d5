import { waitFor, within } from '@demo/testkit/wait-for'
import { conn, connAck, submit, submitAck, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { Gate, startServer } from '../testing/harness.ts'

const reason = new Error('maintenance')

describe('session.destroy()', () => {
  test('closes the connection at once, and onClose gets the reason', async () => {
    const gate = new Gate()
    const { open, untilClosed, server } = await startServer({ onSubmit: gate.wait })
    const { peer, session } = await open()
    peer.send(submits(1, 2))
    await gate.holds(2)
    session.destroy(reason)
    await peer.untilClosed()
    expect(peer.received).toBe('')
    expect(await untilClosed(1)).toEqual([{ session, reason: 'destroyed', error: reason }])
    expect(server.counters).toMatchObject({ unanswered: 2, inFlight: 0, connectionsClosed: { destroyed: 1 } })
  })

  test('in a handler: nothing more is handled, nobody else gets its answers', async () => {
    const handled: number[] = []
    const { open, untilClosed, server } = await startServer({
      onSubmit({ serial }, { session }) {
        handled.push(serial)
        if (serial === 2) session.destroy()
        return serial === 2 ? undefined : 0
      },
    })
    const [{ peer }, other] = [await open(), await open()]
    peer.send(submits(1, 3))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'destroyed', error: undefined }])
    expect(handled).toEqual([1, 2])
    expect(server.counters).toMatchObject({ requestsReceived: 2, responsesSent: 0, unanswered: 2, failures: 0 })
    other.peer.send(submit(9))
    expect(await other.peer.receive(14)).toBe(submitAck(9))
  })

  test('in an async handler, and in onOpen and onConn', async () => {
    const { connect, untilClosed, server } = await startServer({
      onConn: async (_conn, { session }) => session.destroy(reason),
      onOpen: (session) => (session.id === 1 ? session.destroy(reason) : undefined),
    })
    for (let i = 1; i <= 2; i += 1) {
      const peer = await connect()
      peer.send(conn(1) + submit(2))
      await peer.untilClosed()
      expect(peer.received).toBe('')
    }
    expect(await untilClosed(2)).toMatchObject([
      { reason: 'destroyed', error: reason },
      { reason: 'destroyed', error: reason },
    ])
    expect(server.counters).toMatchObject({ requestsReceived: 1, unanswered: 1, responsesSent: 0 })
  })

  test('is about the connection once: it keeps the first reason', async () => {
    const { open, untilClosed } = await startServer()
    const { session } = await open()
    session.destroy(reason)
    session.destroy(new Error('again'))
    session.close()
    expect(await untilClosed(1)).toEqual([{ session, reason: 'destroyed', error: reason }])
    session.destroy()
  })

  test('takes an Error or nothing', async () => {
    const { open, closings } = await startServer()
    const { peer, session } = await open()
    expect(() => session.destroy('late' as unknown as Error)).toThrow(
      new TypeError('session.destroy: invalid reason "late": expected an Error'),
    )
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(closings).toEqual([])
  })
})

describe('server.destroy()', () => {
  test('closes the listener and every connection at once, and says what was lost', async () => {
    const gate = new Gate()
    const { open, server, closings } = await startServer({
      onSubmit: (request) => (request.serial > 2 ? gate.wait(request) : 0),
    })
    const [busy, idle] = [await open(), await open()]
    busy.peer.send(submits(1, 5))
    await gate.holds(3)
    await busy.peer.receive(28)
    const summary = await within(server.destroy(reason), 'for everything to be gone')
    expect(summary).toMatchObject({ connections: 2, cutOff: 1, unanswered: 3 })
    expect(closings).toHaveLength(2)
    for (const closing of closings) expect(closing).toMatchObject({ reason: 'destroyed', error: reason })
    await Promise.all([busy.peer.untilClosed(), idle.peer.untilClosed()])
    expect(server.address).toBeUndefined()
    await expect(server.listen({ port: 0 })).rejects.toThrow('the server is closed')
  })

  test('counts what was received and not taken', async () => {
    const gate = new Gate()
    const { open, server } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 2 })
    const { peer, session } = await open()
    peer.send(submits(1, 7))
    await gate.holds(2)
    await waitFor(
      () => session.receivedBytes === 7 * 13,
      () => 'for all to be received',
    )
    expect(await server.destroy()).toMatchObject({ connections: 1, cutOff: 1, unanswered: 7 })
  })

  test('ends a drain that would last for ever, with the same promise', async () => {
    const gate = new Gate()
    const { open, server, closings } = await startServer({ onSubmit: gate.wait })
    const { peer } = await open()
    peer.send(submit(1))
    await gate.holds(1)
    const closing = server.close({ timeout: 0 })
    await new Promise(setImmediate)
    expect(server.destroy(reason)).toBe(closing)
    expect(await within(closing, 'for the drain to end')).toMatchObject({ connections: 1, cutOff: 1, unanswered: 1 })
    expect(closings).toMatchObject([{ reason: 'destroyed', error: reason }])
  })

  test('in a handler', async () => {
    const { open, server, untilClosed } = await startServer({
      onConn() {},
      onSubmit: () => void server.destroy(),
    })
    const { peer } = await open()
    peer.send(conn(1))
    expect(await peer.receive(14)).toBe(connAck(1))
    peer.send(submits(2, 3))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'destroyed' }])
    expect(await server.close()).toMatchObject({ connections: 1 })
  })

  test('rejects a reason that is no Error, and goes on serving', async () => {
    const { connect, server } = await startServer()
    await expect(server.destroy(1 as unknown as Error)).rejects.toThrow(
      new TypeError('server.destroy: invalid reason 1: expected an Error'),
    )
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })
})
