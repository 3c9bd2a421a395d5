import { encodeFrame } from '@demo/frame'
import { type BytesLike, CommandId, createPacketCodec, type PacketIdSequence, writePacketId } from '@demo/packet'

/** Where the ID lies in a Submit's frame: after the header and the command. */
const ID_OFFSET = 5

/** The most bytes in one batch, unless a single frame is longer. */
const BATCH_LENGTH = 64 * 1024

/** Submit frames that can be sent in one write. */
export interface SubmitBatch {
  /** How many frames it can hold now, of so many that are wanted; at least 1. */
  fits(count: number): number

  /**
   * Fills it with so many frames, which must fit. They are valid until the next call.
   *
   * @param onSerial called with each serial number
   */
  fill(count: number, ids: PacketIdSequence, onSerial: (serial: number) => void): Buffer
}

function encodeSubmit(payload: BytesLike): Uint8Array {
  return encodeFrame(createPacketCodec().encode({ command: CommandId.Submit, id: '00000000', payload }))
}

/**
 * A row of Submit frames of one payload, ready but for their IDs: sending so many of them costs eight bytes each.
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

  constructor(payload: BytesLike, most: number) {
    const frame = encodeSubmit(payload)
    this.#frameLength = frame.length
    this.size = Math.max(1, Math.min(most, Math.floor(BATCH_LENGTH / frame.length)))
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

/** Different payloads that any number of load connections send in turn, over and over: ready as frames, kept once. */
export class PayloadPool {
  /** Frames one after the other, ready but for their IDs. */
  readonly bytes: ReturnType<typeof Buffer.concat>
  /** Where each frame begins, and after the last one where it ends. */
  readonly offsets: ReturnType<typeof Float64Array.of>

  /**
   * @throws RangeError when there is no payload
   * @throws TypeError `ERR_PACKET_NOT_BYTES` when one of them is text, or anything else that is no bytes
   */
  constructor(payloads: Iterable<BytesLike>) {
    const frames = Array.from(payloads, (payload) => encodeSubmit(payload))
    if (frames.length === 0) throw new RangeError('there are no payloads; there must be one at least')
    this.bytes = Buffer.concat(frames)
    this.offsets = new Float64Array(frames.length + 1)
    for (const [i, frame] of frames.entries()) this.offsets[i + 1] = this.offsets[i] + frame.length
  }

  /** How many payloads there are. */
  get size(): number {
    return this.offsets.length - 1
  }
}

/** Submit frames of the payloads of a pool, in turn: a batch costs one copy, and the IDs. */
export class VariedBatch implements SubmitBatch {
  readonly #pool: PayloadPool
  readonly #bytes: Buffer
  readonly #view: DataView
  /** The payload whose turn it is. */
  #at: number

  /** @param first the number of the payload to begin with; numbers go round */
  constructor(pool: PayloadPool, first = 0) {
    this.#pool = pool
    this.#at = first % pool.size
    let longest = 0
    for (let i = 0; i < pool.size; i++) longest = Math.max(longest, pool.offsets[i + 1] - pool.offsets[i])
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(pool.bytes.length, Math.max(BATCH_LENGTH, longest)))
    this.#view = new DataView(this.#bytes.buffer)
  }

  fits(count: number): number {
    const { offsets, size } = this.#pool
    const most = Math.min(this.#at + count, size)
    const room = offsets[this.#at] + this.#bytes.length
    let end = this.#at + 1
    while (end < most && offsets[end + 1] <= room) end += 1
    return end - this.#at
  }

  fill(count: number, ids: PacketIdSequence, onSerial: (serial: number) => void): Buffer {
    const { bytes, offsets, size } = this.#pool
    const first = this.#at
    const begin = offsets[first]
    const length = offsets[first + count] - begin
    bytes.copy(this.#bytes, 0, begin, begin + length)
    for (let i = first; i < first + count; i++) {
      const serial = ids.nextSerial()
      writePacketId(serial, this.#view, offsets[i] - begin + ID_OFFSET)
      onSerial(serial)
    }
    this.#at = (first + count) % size
    return this.#bytes.subarray(0, length)
  }
}
