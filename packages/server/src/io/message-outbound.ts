import type { FrameFormat } from '@demo/frame'
import type { MutableCounters } from '../observability/counters.ts'
import type { Connection } from '../transport/connection.ts'
import { Outbound } from './outbound.ts'
import { WriteBuffer } from './write-buffer.ts'

/** What fits into one write; a longer message is a write of its own. In bytes. */
const BUFFER_LENGTH = 64 * 1024

export function createMessageBuffer(): WriteBuffer {
  return new WriteBuffer(() => Buffer.allocUnsafeSlow(BUFFER_LENGTH))
}

/** The way out of a session of a user's protocol: messages of any length, in frames of any format. */
export class MessageOutbound extends Outbound {
  readonly #frames: FrameFormat
  readonly #fillTo: number
  /** Messages in the buffer. */
  #put = 0

  constructor(
    connection: Connection,
    buffer: WriteBuffer,
    counters: MutableCounters,
    frames: FrameFormat,
    maxWriteBuffer: number,
  ) {
    super(connection, buffer, counters)
    this.#frames = frames
    this.#fillTo = Math.floor(Math.min(BUFFER_LENGTH, maxWriteBuffer / 2))
  }

  /**
   * Puts one message down for the next flush, or writes it if it is long. Ask {@link blocked} first.
   *
   * @throws FrameError when the format can't express its length
   */
  put(payload: Uint8Array): void {
    const { buffer } = this
    const length = this.#frames.encodedLength(payload.length)
    if (buffer.length + length > this.#fillTo) this.flush()
    if (length > this.#fillTo) {
      const frame = new Uint8Array(length)
      this.#frames.encodeInto(payload, frame, 0)
      this.writeApart(frame)
    } else {
      buffer.length = this.#frames.encodeInto(payload, buffer.bytes, buffer.length)
      this.#put += 1
    }
    this.counters.responsesSent += 1
  }

  protected override handed(length: number): void {
    super.handed(length)
    this.#put = 0
  }

  protected override discarded(): void {
    this.counters.responsesSent -= this.#put
    this.counters.unanswered += this.#put
    this.#put = 0
  }
}
