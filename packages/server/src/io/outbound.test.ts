import { waitFor } from '@demo/testkit/wait-for'
import {
  conn,
  connAck,
  frame,
  manySubmitAcks,
  manySubmits,
  sortedAcks,
  submit,
  submitAck,
  submitAcks,
  submits,
} from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { Gate, startServer } from '../testing/harness.ts'
import { mostUnsentFor } from '../testing/transports.ts'

const ACK_LENGTH = 14

describe('the acks of one read leave in one write', () => {
  test.each([1, 2, 100, 1000])('%d of them', async (count) => {
    const { open } = await startServer()
    const { peer, serverSide } = await open()
    peer.send(submits(1, count))
    expect(await peer.receive(count * ACK_LENGTH)).toBe(submitAcks(1, count))
    expect(serverSide.writes).toEqual([count * ACK_LENGTH])
  })

  test('whatever the results, Conn and failures among them', async () => {
    const { open } = await startServer({
      onConn: () => 0,
      onSubmit({ serial }) {
        if (serial === 4) throw new Error('no')
        return serial === 3 ? 1 : 0
      },
    })
    const { peer, serverSide } = await open()
    peer.send(conn(1) + submits(2, 5))
    expect(await peer.receive(70)).toBe(connAck(1) + submitAck(2) + submitAck(3, 1) + submitAck(4, 1) + submitAck(5))
    expect(serverSide.writes).toEqual([70])
  })

  test('a read that ends inside a frame: what came whole is answered, the rest with the next read', async () => {
    const { open } = await startServer()
    const { peer, serverSide } = await open()
    const bytes = submits(1, 5)
    peer.send(bytes.slice(0, 80))
    expect(await peer.receive(3 * ACK_LENGTH)).toBe(submitAcks(1, 3))
    peer.send(bytes.slice(80))
    expect(await peer.receive(5 * ACK_LENGTH)).toBe(submitAcks(1, 5))
    expect(serverSide.writes).toEqual([42, 28])
  })

  test('and the FIN after them, where an error follows', async () => {
    const { open } = await startServer()
    const { peer, serverSide } = await open()
    peer.send(submits(1, 3) + frame('ff'))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 3))
    expect(serverSide.writes).toEqual([42])
  })

  test('as many as a read can hold, and many reads of that', async () => {
    const count = 100_000
    const { open } = await startServer()
    const { peer, serverSide } = await open()
    peer.send(manySubmits(0, count))
    await peer.receive(count * ACK_LENGTH)
    expect(peer.receivedBytes.equals(manySubmitAcks(0, count))).toBe(true)
    // A read is at most 64 KiB: what is not one write a read, is at least no more than one a few thousand acks.
    expect(serverSide.writes.length).toBeLessThan(count / 500)
  })

  test('nothing is written where nothing is answered', async () => {
    const { open } = await startServer()
    const { peer, session, serverSide } = await open()
    peer.send(submit(1).slice(0, 20))
    await waitFor(
      () => session.receivedBytes === 10,
      () => 'for ten bytes',
    )
    expect(serverSide.writes).toEqual([])
  })
})

describe('async results', () => {
  test.each([2, 500])('that settle in one turn leave together: %d', async (count) => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait })
    const { peer, serverSide } = await open()
    peer.send(submits(1, count))
    await gate.holds(count)
    gate.release()
    expect(await peer.receive(count * ACK_LENGTH)).toBe(submitAcks(1, count))
    expect(serverSide.writes).toEqual([count * ACK_LENGTH])
  })

  test('of handlers that have settled already leave in one write', async () => {
    const { open } = await startServer({ onSubmit: async () => undefined })
    const { peer, serverSide } = await open()
    peer.send(submits(1, 300))
    expect(await peer.receive(300 * ACK_LENGTH)).toBe(submitAcks(1, 300))
    expect(serverSide.writes).toEqual([300 * ACK_LENGTH])
  })

  test('of different callbacks of one turn leave together, but for the first, which need not wait', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait })
    const { peer, serverSide } = await open()
    peer.send(submits(1, 50))
    await gate.holds(50)
    for (const { settle } of gate.waiting) setImmediate(settle, 0)
    expect(await peer.receive(50 * ACK_LENGTH)).toBe(submitAcks(1, 50))
    expect(serverSide.writes.length).toBeLessThanOrEqual(2)
  })

  test('that settle while a read is being handled leave with it or right after, in their own order', async () => {
    const gate = new Gate()
    const { open } = await startServer({
      onSubmit(submit) {
        if (submit.serial < 3) return gate.wait(submit)
        if (submit.serial === 3) gate.release(0, 'backwards')
        return 0
      },
    })
    const { peer, serverSide } = await open()
    peer.send(submits(1, 5))
    expect(await peer.receive(70)).toBe(submitAcks(3, 5) + submitAck(2) + submitAck(1))
    expect(serverSide.writes.length).toBeLessThanOrEqual(2)
  })

  test('of two sessions that settle in one turn go to their own, each in one write', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait })
    const first = await open()
    const second = await open()
    first.peer.send(submits(1, 20))
    await gate.holds(20)
    second.peer.send(submits(21, 40))
    await gate.holds(40)
    // Interleaved: one of this, one of that.
    const waiting = gate.waiting.splice(0)
    for (let i = 0; i < 20; i++) {
      waiting[i + 20]?.settle(0)
      waiting[i]?.settle(0)
    }
    expect(await first.peer.receive(280)).toBe(submitAcks(1, 20))
    expect(await second.peer.receive(280)).toBe(submitAcks(21, 40))
    expect(first.serverSide.writes).toEqual([280])
    expect(second.serverSide.writes).toEqual([280])
  })

  test('mixed with sync ones: the sync ones do not wait for them', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: (submit) => (submit.serial % 2 === 0 ? gate.wait(submit) : 0) })
    const { peer, serverSide } = await open()
    peer.send(submits(1, 10))
    expect(sortedAcks(await peer.receive(70))).toEqual([1, 3, 5, 7, 9].map((serial) => submitAck(serial)))
    gate.release(1)
    await peer.receive(140)
    expect(peer.received.slice(140)).toBe([2, 4, 6, 8, 10].map((serial) => submitAck(serial, 1)).join(''))
    expect(serverSide.writes).toEqual([70, 70])
  })
})

describe('with a small maxWriteBuffer', () => {
  test.each([1024, 1025, 1051, 4096])(
    'of %d bytes no write is longer than half of it, and nothing is lost',
    async (max) => {
      const { open } = await startServer({}, { maxWriteBuffer: max })
      const { peer, serverSide } = await open()
      peer.send(manySubmits(0, 5000))
      await peer.receive(5000 * ACK_LENGTH)
      expect(peer.receivedBytes.equals(manySubmitAcks(0, 5000))).toBe(true)
      expect(Math.max(...serverSide.writes)).toBeLessThanOrEqual(max / 2)
      expect(serverSide.mostUnsent).toBeLessThanOrEqual(mostUnsentFor(max))
    },
  )

  test('async results leave in pieces, as the peer takes them, all of them', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, { maxWriteBuffer: 1024 })
    const { peer, serverSide } = await open()
    peer.send(submits(1, 1000))
    await gate.holds(1000)
    serverSide.hold()
    gate.release()
    await waitFor(
      () => serverSide.holds,
      () => 'for the server to have enough',
    )
    serverSide.release()
    expect(await peer.receive(1000 * ACK_LENGTH)).toBe(submitAcks(1, 1000))
    expect(serverSide.mostUnsent).toBeLessThanOrEqual(mostUnsentFor(1024))
    expect(Math.max(...serverSide.writes)).toBeLessThanOrEqual(512)
  })
})
