import type { Socket } from 'node:net'
import type { SubmitView } from '@demo/packet'
import { waitFor } from '@demo/testkit/wait-for'
import { filler, manySubmitAcks, manySubmits, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Gate, startServer } from '../testing/harness.ts'
import { ReadBuffer } from './read-buffer.ts'

const text = (packet: SubmitView) => `${packet.id} ${Buffer.from(packet.payload).toString('hex')}`

/** Sends two requests so that the second is read after the first was answered. */
async function oneAfterTheOther(options: { reuseReadBuffer: boolean }): Promise<SubmitView[]> {
  const kept: SubmitView[] = []
  const { open } = await startServer({ onSubmit: (packet) => void kept.push(packet) }, options)
  const { peer } = await open()
  peer.send(submit(1, 'aaaa'))
  await peer.receive(14)
  peer.send(submit(2, 'bbbb'))
  await peer.receive(28)
  return kept
}

describe('a packet that a handler keeps', () => {
  it('stays as it is', async () => {
    const kept = await oneAfterTheOther({ reuseReadBuffer: false })
    expect(kept.map(text)).toEqual(['00000001 aaaa', '00000002 bbbb'])
  })

  it('is written over where the server may: it is a real promise not to keep it', async () => {
    const kept = await oneAfterTheOther({ reuseReadBuffer: true })
    expect(kept.map(text)).toEqual(['00000002 bbbb', '00000002 bbbb'])
  })
})

describe('a server that reads all connections into one buffer', () => {
  const options = { reuseReadBuffer: true }

  it('answers those whose handlers settle after others have been read', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, options)
    const [{ peer: first }, { peer: second }] = [await open(), await open()]
    first.send(submit(1, 'aaaa'))
    await gate.holds(1)
    second.send(submit(2, 'bbbb'))
    await gate.holds(2)
    gate.release()
    expect(await first.receive(14)).toBe(submitAck(1))
    expect(await second.receive(14)).toBe(submitAck(2))
  })

  it('keeps what it may not take yet, whatever others send meanwhile', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, { ...options, maxInFlight: 2 })
    const [{ peer: first }, { peer: second }] = [await open(), await open()]
    first.send(manySubmits(1, 9))
    await gate.holds(2)
    second.send(manySubmits(70, 2))
    await gate.holds(4)
    for (let answered = 0; answered < 11; ) {
      answered += gate.waiting.length
      gate.release()
      if (answered < 11) await gate.holds(1)
    }
    await first.receive(9 * 14)
    expect(first.receivedBytes.equals(manySubmitAcks(1, 9))).toBe(true)
    await second.receive(2 * 14)
    expect(second.receivedBytes.equals(manySubmitAcks(70, 2))).toBe(true)
  })

  it('puts a frame together that comes in pieces, whatever others send in between', async () => {
    const payloads: string[] = []
    const handlers = {
      onSubmit: (packet: SubmitView) => void payloads.push(Buffer.from(packet.payload).toString('hex')),
    }
    const { open } = await startServer(handlers, options)
    const [{ peer: first, session }, { peer: second }] = [await open(), await open()]
    const frame = submit(1, filler(300))
    for (let at = 0; at < frame.length; at += 100) {
      first.send(frame.slice(at, at + 100))
      const received = Math.min(frame.length, at + 100) / 2
      await waitFor(
        () => session.receivedBytes === received,
        () => `for ${received} bytes; there are ${session.receivedBytes}`,
      )
      second.send(submit(at, 'bbbb'))
      await second.receive((at / 100 + 1) * 14)
    }
    expect(await first.receive(14)).toBe(submitAck(1))
    expect(payloads.filter((payload) => payload !== 'bbbb')).toEqual([filler(300)])
  })
})

describe('where Node reads into nobody else’s buffer', () => {
  beforeEach(() => {
    const { attach } = ReadBuffer.prototype
    const spy = vi.spyOn(ReadBuffer.prototype, 'attach').mockImplementation(function (
      this: ReadBuffer,
      socket,
      onChunk,
    ) {
      attach.call(this, withoutInternals(socket), onChunk)
    })
    onTestFinished(() => spy.mockRestore())
  })

  it('all is answered as ever, backpressure included', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 100 })
    const { peer } = await open()
    peer.send(manySubmits(1, 10_000))
    for (let answered = 0; answered < 10_000; ) {
      await gate.holds(1)
      answered += gate.waiting.length
      gate.release()
    }
    await peer.receive(10_000 * 14)
    expect(peer.receivedBytes.equals(manySubmitAcks(1, 10_000))).toBe(true)
    expect(gate.most).toBe(100)
  })

  it('a drain answers also what Node has read ahead of a paused session', async () => {
    const gate = new Gate()
    const { server, open } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 1 })
    const { peer, session, serverSide } = await open()
    peer.send(submit(1))
    await gate.holds(1)
    const before = session.receivedBytes
    peer.send(submits(2, 20))
    await waitFor(
      () => serverSide.bufferedBytes === 19 * 13,
      () => `for Node to read ahead; it read ${serverSide.bufferedBytes} bytes`,
    )
    expect(session.receivedBytes).toBe(before)
    const closing = server.close()
    for (let serial = 1; serial <= 20; serial++) {
      await gate.holds(1)
      gate.release()
      await peer.receive(serial * 14)
    }
    expect(await peer.receiveAll()).toBe(submitAcks(1, 20))
    expect(await closing).toMatchObject({ cutOff: 0, unanswered: 0 })
  })
})

/** The same socket, as it would be without a buffer to be given. */
function withoutInternals(socket: Socket): Socket {
  return new Proxy(socket, {
    get: (target, name) => (name === '_handle' ? undefined : Reflect.get(target, name, target)),
  })
}
