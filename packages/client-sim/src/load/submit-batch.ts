import { type BytesLike, type PacketIdSequence, writePacketId } from '@demo/packet'
import { ID_OFFSET } from '../common/submit-frame.ts'
import { encodeSubmit } from './encode-submit.ts'
import type { PayloadPool } from './payload-pool.ts'

// `VariedBatch` reads its pool's offsets by indexes below their number, so an element is a number: `as number` costs
// nothing on the path of a packet.

/** The most bytes in one batch, unless a single frame is longer. */
const BATCH_LENGTH = 64 * 1024

/** Submit frames that can be sent in one write. */
export interface SubmitBatch {
  /** How many of `count` frames fit into the next batch; at least 1. */
  fits(count: number): number

  /**
   * Fills the batch with `count` frames, which must fit. They are valid until the next call.
   *
   * @param onSerial called with each serial number
   */
  fill(count: number, ids: PacketIdSequence, onSerial: (serial: number) => void): Buffer
}

/**
 * Submit frames of one payload, complete but for their IDs: sending costs eight bytes for each frame.
 *
 * ```
 *  00 00 00 0e 02 .. .. .. .. .. .. .. .. 78 | 00 00 00 0e 02 .. .. .. .. .. .. .. .. 78 | …
 *                 └──────ID, 8 bytes────┘                     └──────ID, 8 bytes────┘
 * ```
 */
export class UniformBatch implements SubmitBatch {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #frameLength: number
  /** How many frames it holds. */
  readonly size: number

  /** @param maxSize the most frames that it is filled with */
  constructor(payload: BytesLike, maxSize: number) {
    const frame = encodeSubmit(payload)
    this.#frameLength = frame.length
    this.size = Math.max(1, Math.min(maxSize, Math.floor(BATCH_LENGTH / frame.length)))
    this.#bytes = Buffer.allocUnsafeSlow(this.size * frame.length)
    this.#view = new DataView(this.#bytes.buffer)
    for (let i = 0; i < this.size; i++) this.#bytes.set(frame, i * frame.length)
  }

  fits(count: number): number {
    return Math.min(count, this.size)
  }

  fill(count: number, ids: PacketIdSequence, onSerial: (serial: number) => void): Buffer {
    const view = this.#view
    const end = count * this.#frameLength
    for (let at = ID_OFFSET; at < end; at += this.#frameLength) {
      const serial = ids.nextSerial()
      writePacketId(serial, view, at)
      onSerial(serial)
    }
    return this.#bytes.subarray(0, end)
  }
}

/** Submit frames of the payloads of a pool, in turn: a batch costs one copy, and the IDs. */
export class VariedBatch implements SubmitBatch {
  readonly #pool: PayloadPool
  readonly #bytes: Buffer
  readonly #view: DataView
  /** The number of the next payload. */
  #next: number

  /** @param first the number of the first payload, modulo the size of the pool */
  constructor(pool: PayloadPool, first = 0) {
    this.#pool = pool
    this.#next = first % pool.size
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(pool.bytes.length, Math.max(BATCH_LENGTH, longestFrame(pool))))
    this.#view = new DataView(this.#bytes.buffer)
  }

  fits(count: number): number {
    const { offsets, size } = this.#pool
    const last = Math.min(this.#next + count, size)
    const room = (offsets[this.#next] as number) + this.#bytes.length
    let end = this.#next + 1
    while (end < last && (offsets[end + 1] as number) <= room) end += 1
    return end - this.#next
  }

  fill(count: number, ids: PacketIdSequence, onSerial: (serial: number) => void): Buffer {
    const { bytes, offsets, size } = this.#pool
    const first = this.#next
    const begin = offsets[first] as number
    const length = (offsets[first + count] as number) - begin
    bytes.copy(this.#bytes, 0, begin, begin + length)
    for (let i = first; i < first + count; i++) {
      const serial = ids.nextSerial()
      writePacketId(serial, this.#view, (offsets[i] as number) - begin + ID_OFFSET)
      onSerial(serial)
    }
    this.#next = (first + count) % size
    return this.#bytes.subarray(0, length)
  }
}

function longestFrame({ offsets, size }: PayloadPool): number {
  let longest = 0
  for (let i = 0; i < size; i++) longest = Math.max(longest, (offsets[i + 1] as number) - (offsets[i] as number))
  return longest
}
