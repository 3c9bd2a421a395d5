import { encodeFrame } from '@demo/frame'
import { CommandId, createPacketCodec, type PacketIdSequence, writePacketId } from '@demo/packet'

/** Where the ID lies in a Submit's frame: after the header and the command. */
const ID_OFFSET = 5

/** The most bytes in one batch, unless a single frame is longer. */
const BATCH_LENGTH = 64 * 1024

/**
 * A row of Submit frames of one payload, ready but for their IDs: sending so many of them costs eight bytes each.
 *
 * ```
 *  00 00 00 0e 02 .. .. .. .. .. .. .. .. 78 | 00 00 00 0e 02 .. .. .. .. .. .. .. .. 78 | …
 *                 └──────ID, 8 bytes────┘                     └──────ID, 8 bytes────┘
 * ```
 */
export class SubmitBatch {
  readonly #bytes: Buffer
  readonly #frameLength: number
  /** How many frames it holds. */
  readonly size: number

  constructor(payload: Uint8Array, most: number) {
    const packet = createPacketCodec().encode({ command: CommandId.Submit, id: '00000000', payload })
    const frame = encodeFrame(packet)
    this.#frameLength = frame.length
    this.size = Math.max(1, Math.min(most, Math.floor(BATCH_LENGTH / frame.length)))
    this.#bytes = Buffer.allocUnsafeSlow(this.size * frame.length)
    for (let i = 0; i < this.size; i++) this.#bytes.set(frame, i * frame.length)
  }

  /**
   * Numbers the first `count` frames. They are valid until the next call.
   *
   * @param onSerial called with each serial number
   */
  fill(count: number, ids: PacketIdSequence, onSerial: (serial: number) => void): Buffer {
    const bytes = this.#bytes
    const end = count * this.#frameLength
    for (let at = ID_OFFSET; at < end; at += this.#frameLength) {
      const serial = ids.nextSerial()
      writePacketId(serial, bytes, at)
      onSerial(serial)
    }
    return bytes.subarray(0, end)
  }
}
