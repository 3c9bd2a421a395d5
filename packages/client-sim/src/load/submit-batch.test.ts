import { PacketIdSequence } from '@demo/packet'
import { bytesOf, serials, submit, submits } from '@demo/testkit/wire'
import { expect, test } from 'vitest'
import { PayloadPool } from './payload-pool.ts'
import { type SubmitBatch, UniformBatch, VariedBatch } from './submit-batch.ts'

/** Numbers `count` frames, and returns them in hex. */
function fill(batch: SubmitBatch, count: number, ids: PacketIdSequence, seen: number[] = []): string {
  return batch.fill(count, ids, (serial) => seen.push(serial)).toString('hex')
}

test('a batch is frames of one payload with consecutive IDs', () => {
  const batch = new UniformBatch(bytesOf('78'), 3)
  const seen: number[] = []
  expect(fill(batch, 3, new PacketIdSequence(), seen)).toBe(
    ['0000000e', '02', '3030303030303031', '78', '0000000e', '02', '3030303030303032', '78'].join('') +
      ['0000000e', '02', '3030303030303033', '78'].join(''),
  )
  expect(seen).toEqual([1, 2, 3])
})

test('the next batch goes on where the last one ended', () => {
  const batch = new UniformBatch(bytesOf('cafe'), 4)
  const ids = new PacketIdSequence()
  expect(fill(batch, 2, ids)).toBe(submits(1, 2, 'cafe'))
  expect(fill(batch, 1, ids)).toBe(submit(3, 'cafe'))
  expect(fill(batch, 4, ids)).toBe(submits(4, 7, 'cafe'))
})

test('a payload may be empty', () => {
  expect(fill(new UniformBatch(new Uint8Array(0), 2), 2, new PacketIdSequence())).toBe(submits(1, 2))
})

test('an empty batch has no bytes, and uses no ID', () => {
  const batch = new UniformBatch(bytesOf('78'), 3)
  const ids = new PacketIdSequence()
  expect(fill(batch, 0, ids)).toBe('')
  expect(fill(batch, 1, ids)).toBe(submit(1, '78'))
})

test('IDs repeat inside a batch', () => {
  const batch = new UniformBatch(bytesOf('78'), 4)
  const seen: number[] = []
  const hex = fill(batch, 4, new PacketIdSequence(99_999_997), seen)
  expect(hex).toBe([99_999_998, 99_999_999, 0, 1].map((serial) => submit(serial, '78')).join(''))
  expect(seen).toEqual([99_999_998, 99_999_999, 0, 1])
})

test.each([
  // The length of the payload, the maximum, and how many fit into 64 KiB: a frame is 13 bytes longer.
  [0, 10_000, 5041],
  [0, 5, 5],
  [25, 1000, 1000],
  [25, 10_000, 1724],
  [32_755, 10, 2],
  [32_756, 10, 1],
  [65_523, 10, 1],
  [1_000_000, 10, 1],
])('of a payload of %d bytes a batch for %d holds %d', (length, most, size) => {
  expect(new UniformBatch(new Uint8Array(length), most).size).toBe(size)
})

test('a payload that is longer than a batch comes whole', () => {
  const payload = Buffer.alloc(100_000, 'abc')
  const batch = new UniformBatch(payload, 10)
  const bytes = batch.fill(1, new PacketIdSequence(), () => {})
  expect(bytes.toString('hex')).toBe(submit(1, payload.toString('hex')))
})

test('the payload is copied: later changes are not sent', () => {
  const payload = bytesOf('cafe')
  const batch = new UniformBatch(payload, 2)
  payload.fill(0)
  expect(fill(batch, 2, new PacketIdSequence())).toBe(submits(1, 2, 'cafe'))
})

test('a full batch has every ID', () => {
  const batch = new UniformBatch(new Uint8Array(0), 10_000)
  expect(fill(batch, batch.size, new PacketIdSequence())).toBe(
    serials(1, batch.size)
      .map((serial) => submit(serial))
      .join(''),
  )
})

test('the payloads of a pool may be any views and buffers', () => {
  const pool = new PayloadPool([new Uint16Array(Uint8Array.of(0xca, 0xfe).buffer), Uint8Array.of(0xca, 0xfe).buffer])
  expect(fill(new VariedBatch(pool), 2, new PacketIdSequence())).toBe(submits(1, 2, 'cafe'))
})

test.each([['hello'], [['hello']], [[7]], [new Uint8Array(2)], [[undefined]]])(
  'a pool of %j is refused',
  (payloads) => {
    expect(() => new PayloadPool(payloads as unknown as Uint8Array[])).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_PACKET_NOT_BYTES' }),
    )
  },
)
