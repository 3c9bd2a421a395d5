import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EngineConnection, EngineEvents } from './connection.ts'
import type { FrameBatch } from './frame-batch.ts'
import { loadEngine } from './load.ts'

const PLAN = { request: 0x02, answer: 0x82, maxFrameLength: 1024 * 1024, maxFrames: 100_000 }

type Handle = (connection: EngineConnection) => Partial<EngineEvents>

/** A server on the engine, and a peer that is connected to it. */
async function connected(handle: Handle, keep = true): Promise<Socket> {
  const listener = loadEngine().listen({
    where: { address: '127.0.0.1', port: 0 },
    backlog: 16,
    highWaterMark: 64 * 1024,
    keep,
    onConnection(connection) {
      const ends = { onEnd: () => connection.end(), onError() {}, onClose() {}, onWritable() {}, onBytes() {} }
      connection.attach({ ...ends, ...handle(connection) })
      connection.open()
    },
    onError(error) {
      throw error
    },
  })
  onTestFinished(() => listener.close())
  if (!('port' in listener.address)) throw new Error('not on a port')
  const peer = connect({ ...listener.address, host: listener.address.address, noDelay: true })
  onTestFinished(() => void peer.destroy())
  await once(peer, 'connect')
  return peer
}

/** Frames of Submit with serial numbers from 1 on, and payloads that say which they are. */
function submits(count: number, payload: (serial: number) => string): Buffer {
  const frames: Buffer[] = []
  for (let serial = 1; serial <= count; serial++) {
    const body = Buffer.from(`\x02${String(serial).padStart(8, '0')}${payload(serial)}`, 'latin1')
    const header = Buffer.alloc(4)
    header.writeUInt32BE(4 + body.length)
    frames.push(header, body)
  }
  return Buffer.concat(frames)
}

/** The acks of success for serial numbers from 1 on. */
function acks(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `0000000e82${Buffer.from(String(i + 1).padStart(8, '0')).toString('hex')}00`,
  ).join('')
}

/** What the peer gets until its connection is ended, as hex. */
async function received(peer: Socket): Promise<string> {
  const chunks: Buffer[] = []
  peer.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(peer, 'end')
  return Buffer.concat(chunks).toString('hex')
}

describe('frames that are cut', () => {
  test('keep their bytes over many turns and many arenas, byte for byte', async () => {
    const COUNT = 60_000
    const text = (serial: number) => `payload ${serial} `.repeat(1 + (serial % 7))
    const kept: { bytes: Uint8Array; start: number; end: number }[] = []
    const arenas = new Set<ArrayBufferLike>()
    const peer = await connected((connection) => {
      connection.cutFrames(PLAN)
      return {
        onFrames(batch) {
          const { bytes, index, first, count } = batch
          arenas.add(bytes.buffer)
          for (let at = first; at < first + 2 * count; at += 2) {
            kept.push({ bytes, start: index[at] ?? 0, end: index[at + 1] ?? 0 })
          }
          batch.keep(count * batch.answerLength)
        },
      }
    })
    const answers = received(peer)
    peer.end(submits(COUNT, text))
    expect(await answers).toBe(acks(COUNT))
    expect(arenas.size).toBeGreaterThan(2)
    const wrong = kept.filter(({ bytes, start, end }, i) => {
      const expected = `\x02${String(i + 1).padStart(8, '0')}${text(i + 1)}`
      return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1') !== expected
    })
    expect(kept.length).toBe(COUNT)
    expect(wrong).toEqual([])
  })

  test('are whole, however their bytes come', async () => {
    let count = 0
    const peer = await connected((connection) => {
      connection.cutFrames(PLAN)
      return {
        onFrames(batch) {
          count += batch.count
          batch.keep(batch.count * batch.answerLength)
        },
      }
    })
    const answers = received(peer)
    for (const byte of submits(20, (serial) => 'x'.repeat(serial))) {
      peer.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    peer.end()
    expect(await answers).toBe(acks(20))
    expect(count).toBe(20)
  })

  test.each([
    ['another command', '0000000d01' + '3030303030303032'],
    ['a length that is too short', '0000000c02'],
    ['a length that is too long', '7fffffff02'],
  ])('stop before %s, which comes as bytes', async (_name, hex) => {
    const rests: string[] = []
    const peer = await connected((connection) => {
      connection.cutFrames(PLAN)
      return {
        onFrames(batch: FrameBatch) {
          batch.keep(batch.count * batch.answerLength)
          if (!batch.stopped) return
          rests.push(Buffer.from(batch.bytes.subarray(batch.cutEnd, batch.end)).toString('hex'))
          connection.end()
        },
      }
    })
    const answers = received(peer)
    peer.write(Buffer.concat([submits(1, () => 'payload'), Buffer.from(hex, 'hex')]))
    expect(await answers).toBe(acks(1))
    expect(rests).toEqual([hex])
  })

  test('are answered before what is written after them', async () => {
    const peer = await connected((connection) => {
      connection.cutFrames(PLAN)
      return {
        onFrames(batch) {
          batch.keep(batch.count * batch.answerLength)
          connection.write(Buffer.from('ffff', 'hex'))
          connection.end()
        },
      }
    })
    const answers = received(peer)
    peer.write(submits(2, () => ''))
    expect(await answers).toBe(`${acks(2)}ffff`)
  })
})

test('what is read while a connection is paused is not lost', async () => {
  const chunks: Buffer[] = []
  const peer = await connected((connection) => {
    return {
      onBytes(bytes) {
        chunks.push(Buffer.from(bytes))
        connection.pause()
        setImmediate(() => connection.resume())
      },
    }
  }, false)
  const sent = Buffer.alloc(1024 * 1024, 'abcdefg')
  const ended = received(peer)
  peer.end(sent)
  await ended
  expect(Buffer.concat(chunks).equals(sent)).toBe(true)
})

test('a peer that reads late gets every byte', async () => {
  const answer = Buffer.alloc(8 * 1024 * 1024, 'gfedcba')
  let full = 0
  const peer = await connected((connection) => ({
    onBytes() {
      if (!connection.write(answer)) full += 1
    },
    onWritable: () => connection.end(),
  }))
  peer.write('x')
  await new Promise((resolve) => setImmediate(resolve))
  expect(await received(peer)).toBe(answer.toString('hex'))
  expect(full).toBe(1)
})

test('what was read can not be transferred to another thread: a transfer fails, or copies', async () => {
  let length = 0
  const peer = await connected((connection) => ({
    onBytes(bytes) {
      const { port1, port2 } = new MessageChannel()
      try {
        port1.postMessage(bytes, [bytes.buffer as ArrayBuffer])
      } catch {}
      port1.close()
      port2.close()
      length = bytes.length
      connection.write(bytes)
      connection.end()
    },
  }))
  peer.write('x')
  expect(await received(peer)).toBe('78')
  expect(length).toBe(1)
})

test('an address that is taken is refused as by Node', async () => {
  const options = { backlog: 1, highWaterMark: 1024, keep: false, onConnection() {}, onError() {} }
  const first = loadEngine().listen({ where: { address: '127.0.0.1', port: 0 }, ...options })
  onTestFinished(() => first.close())
  const { address } = first
  expect(() => loadEngine().listen({ where: address, ...options })).toThrow(
    expect.objectContaining({ code: 'EADDRINUSE', syscall: 'listen' }),
  )
})
