import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { writeFrameHeader } from '@demo/frame'
import type { ConnView, PacketCodec, SubmitView } from '@demo/packet'
import type { MutableCounters } from './counters.ts'
import type { Result } from './handlers.ts'

/** The length of a response packet, of its frame's header, and of both together, in bytes. */
const RESPONSE_LENGTH = 10
const HEADER_LENGTH = 4
const RESPONSE_FRAME_LENGTH = HEADER_LENGTH + RESPONSE_LENGTH

/** Room for the acks of everything that one read of 64 KiB can hold: 5,041 frames of 13 bytes. */
const SCRATCH_LENGTH = 5200 * RESPONSE_FRAME_LENGTH

/** From this many unsent bytes on a session is not read any more. */
const PAUSE_AT = 64 * 1024

/**
 * Where acks are put together: one for all sessions of a server. A session fills and flushes it within one turn of the
 * event loop, so no two ever share it.
 */
export class Scratch {
  #bytes = emptyResponses()
  #flushed: Buffer | undefined
  length = 0

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** What has been filled in. The same view again where the length is the same: a lone ack costs no new one. */
  filled(): Buffer {
    if (this.#flushed?.length !== this.length) this.#flushed = this.#bytes.subarray(0, this.length)
    return this.#flushed
  }

  /** The bytes belong to a write that is still going on: go on with others. */
  giveAway(): void {
    this.#bytes = emptyResponses()
    this.#flushed = undefined
  }
}

/** All responses are of one length, so their headers can be there before them. */
function emptyResponses(): Buffer {
  const response = new Uint8Array(RESPONSE_FRAME_LENGTH)
  writeFrameHeader(response, 0, RESPONSE_LENGTH)
  return Buffer.allocUnsafeSlow(SCRATCH_LENGTH).fill(response)
}

/** The way out of one session, and the only place that writes to its socket. */
export class Outbound {
  readonly #socket: Socket
  readonly #codec: PacketCodec
  readonly #scratch: Scratch
  readonly #counters: MutableCounters
  /** How much of the scratch may be filled before it must be flushed. */
  readonly #fillTo: number
  /** How many of the acks put down for the next flush say failure. */
  failures = 0
  #blocked = false
  /** Whether a write is taken at once while nothing waits, as far as the last one tells; with TLS none ever is. */
  #takesAtOnce: boolean
  /** Bytes handed to the socket so far. */
  handedBytes = 0

  constructor(socket: Socket, codec: PacketCodec, scratch: Scratch, counters: MutableCounters, maxWriteBuffer: number) {
    this.#socket = socket
    this.#takesAtOnce = !(socket instanceof TLSSocket)
    this.#codec = codec
    this.#scratch = scratch
    this.#counters = counters
    this.#fillTo = Math.floor(Math.min(SCRATCH_LENGTH, maxWriteBuffer / 2)) - RESPONSE_FRAME_LENGTH
  }

  /** Whether the peer is behind with taking its acks: do not make more of them until it is no longer. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Bytes that the system took from the socket so far; it grows by whole writes. */
  get sentBytes(): number {
    return this.handedBytes - this.#socket.writableLength
  }

  /** Bytes handed to the socket that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /**
   * Puts one response down for the next flush. Ask {@link blocked} first.
   *
   * @returns whether it was the last one that fits: flush before the next
   */
  ack(request: ConnView | SubmitView, result: Result): boolean {
    const scratch = this.#scratch
    scratch.length = this.#codec.writeAck(request, result, scratch.bytes, scratch.length + HEADER_LENGTH)
    return scratch.length > this.#fillTo
  }

  /** Hands everything put down to the socket, in one write. */
  flush(): void {
    const scratch = this.#scratch
    const { length } = scratch
    if (length === 0) return
    const socket = this.#socket
    if (socket.destroyed) {
      this.discard()
      return
    }
    const copied = !this.#takesAtOnce || socket.writableLength > 0
    this.#blocked = !socket.write(copied ? Buffer.from(scratch.filled()) : scratch.filled())
    // Where nothing waits in the socket, the system has copied the bytes, and they may be written over.
    this.#takesAtOnce = socket.writableLength === 0
    if (!copied && !this.#takesAtOnce) scratch.giveAway()
    scratch.length = 0
    this.#count(length)
  }

  /** Throws away everything put down, which nobody will get: the scratch is for others too. */
  discard(): void {
    this.#counters.unanswered += this.#scratch.length / RESPONSE_FRAME_LENGTH
    this.#scratch.length = 0
    this.failures = 0
  }

  /** The socket has sent everything. */
  unblock(): void {
    this.#blocked = false
  }

  /** Ends our side once everything has been sent. */
  end(): void {
    this.#socket.end()
  }

  #count(length: number): void {
    const counters = this.#counters
    this.handedBytes += length
    const responses = length / RESPONSE_FRAME_LENGTH
    counters.sentBytes += length
    counters.responsesSent += responses
    counters.successes += responses - this.failures
    counters.failures += this.failures
    this.failures = 0
  }
}

/** From how many unsent bytes on `socket.write` says that it is enough. */
export function highWaterMark(maxWriteBuffer: number): number {
  return Math.min(PAUSE_AT, Math.floor(maxWriteBuffer / 2))
}
