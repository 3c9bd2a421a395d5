import type { FrameFormat } from '@demo/frame'
import type { MutableCounters } from '../observability/counters.ts'
import type { Connection } from '../transport/connection.ts'
import { Outbound, WriteBuffer } from './outbound.ts'

/** The size of the buffer, in bytes. A longer message is a write of its own. */
const BUFFER_LENGTH = 64 * 1024

export function createMessageBuffer(): WriteBuffer {
  return new WriteBuffer(() => Buffer.allocUnsafeSlow(BUFFER_LENGTH))
}

/** The outbound side of a session of a user's protocol: messages of any length, in frames of any format. */
export class MessageOutbound extends Outbound {
  readonly #frames: FrameFormat
  readonly #fillTo: number
  /** How many replies are in the buffer, and how many of these are to failed messages. */
  #replies = 0
  #failures = 0

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
   * Puts one message into the buffer, or writes it at once if it is long. Check {@link blocked} before.
   *
   * @param replies 1 if it is a reply, 0 if it is another message
   * @param failures 1 if it is a reply to a message whose handler failed
   * @returns whether something was written, so that {@link blocked} may have changed
   *
   * @throws FrameError when the format cannot express its length
   */
  put(payload: Uint8Array, replies: 0 | 1 = 0, failures: 0 | 1 = 0): boolean {
    const { buffer } = this
    const length = this.#frames.encodedLength(payload.length)
    const full = buffer.length + length > this.#fillTo
    if (full) this.flush()
    this.#replies += replies
    this.#failures += failures
    if (length > this.#fillTo) {
      const frame = new Uint8Array(length)
      this.#frames.encodeInto(payload, frame, 0)
      this.writeApart(frame)
    } else buffer.length = this.#frames.encodeInto(payload, buffer.bytes, buffer.length)
    return full
  }

  protected override written(length: number): void {
    super.written(length)
    const { counters } = this
    counters.responsesSent += this.#replies
    counters.successes += this.#replies - this.#failures
    counters.failures += this.#failures
    this.#replies = this.#failures = 0
  }

  protected override discarded(): void {
    this.counters.unanswered += this.#replies
    this.#replies = this.#failures = 0
  }
}
