import { writeFrameHeader } from '@demo/frame'
import type { ConnView, PacketCodec, SubmitView } from '@demo/packet'
import type { Result } from '../api/result.ts'
import type { MutableCounters } from '../observability/counters.ts'
import type { Connection } from '../transport/connection.ts'
import { Outbound, WriteBuffer } from './outbound.ts'

/** The length of a response packet, of its frame's header, and of both together, in bytes. */
const RESPONSE_LENGTH = 10
const HEADER_LENGTH = 4
const RESPONSE_FRAME_LENGTH = HEADER_LENGTH + RESPONSE_LENGTH

/** Room for the acks of everything that one read of 64 KiB can hold: 5,041 frames of 13 bytes. */
const BUFFER_LENGTH = 5200 * RESPONSE_FRAME_LENGTH

/** Makes the buffer for acks. All responses have one length, so their frame headers are written in advance. */
export function createAckBuffer(): WriteBuffer {
  const response = new Uint8Array(RESPONSE_FRAME_LENGTH)
  writeFrameHeader(response, 0, RESPONSE_LENGTH)
  return new WriteBuffer(() => Buffer.allocUnsafeSlow(BUFFER_LENGTH).fill(response))
}

/** The outbound side of a session that answers with acks. */
export class AckOutbound extends Outbound {
  readonly #codec: PacketCodec
  /** How many bytes of the buffer may be filled before a flush. */
  readonly #fillTo: number
  /** How many of the acks in the buffer report failure. */
  failures = 0

  constructor(
    connection: Connection,
    buffer: WriteBuffer,
    counters: MutableCounters,
    codec: PacketCodec,
    maxWriteBuffer: number,
  ) {
    super(connection, buffer, counters)
    this.#codec = codec
    this.#fillTo = Math.floor(Math.min(BUFFER_LENGTH, maxWriteBuffer / 2)) - RESPONSE_FRAME_LENGTH
  }

  /**
   * Puts one response into the buffer. Check {@link blocked} before.
   *
   * @returns whether the buffer is full: flush before the next one
   */
  ack(request: ConnView | SubmitView, result: Result): boolean {
    const { buffer } = this
    buffer.length = this.#codec.writeAckUnchecked(request, result, buffer.bytes, buffer.length + HEADER_LENGTH)
    return buffer.length > this.#fillTo
  }

  protected override discarded(length: number): void {
    this.counters.unanswered += length / RESPONSE_FRAME_LENGTH
    this.failures = 0
  }

  protected override written(length: number): void {
    super.written(length)
    const { counters } = this
    const responses = length / RESPONSE_FRAME_LENGTH
    counters.responsesSent += responses
    counters.successes += responses - this.failures
    counters.failures += this.failures
    this.failures = 0
  }
}
