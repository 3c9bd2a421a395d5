import type { MutableCounters } from '../observability/counters.ts'
import type { Connection } from '../transport/connection.ts'

/** From this many unsent bytes on a session is not read. */
const PAUSE_AT = 64 * 1024

/**
 * Where answers are put together: one for all sessions of a server. A session fills and flushes it within one turn of
 * the event loop, so no two ever share it.
 */
export class WriteBuffer {
  readonly #allocate: () => Buffer
  #bytes: Buffer
  #filled: Buffer | undefined
  /** How many bytes are filled. */
  length = 0

  /** @param allocate makes the bytes, all of one length each time */
  constructor(allocate: () => Buffer) {
    this.#allocate = allocate
    this.#bytes = allocate()
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** The filled bytes. The same view again where the length is the same: a lone ack costs no new one. */
  filled(): Buffer {
    if (this.#filled?.length !== this.length) this.#filled = this.#bytes.subarray(0, this.length)
    return this.#filled
  }

  /** The bytes belong to a write that is still going on: continues with others. */
  detach(): void {
    this.#bytes = this.#allocate()
    this.#filled = undefined
  }
}

/** The way out of one session, and the only place that writes to its connection. */
export abstract class Outbound {
  protected readonly buffer: WriteBuffer
  protected readonly counters: MutableCounters
  readonly #connection: Connection
  #blocked = false
  /** Whether the connection took the last write at once; one that keeps its bytes (TLS) never does. */
  #takesAtOnce: boolean
  /** Bytes handed to the connection so far. */
  handedBytes = 0

  constructor(connection: Connection, buffer: WriteBuffer, counters: MutableCounters) {
    this.#connection = connection
    this.#takesAtOnce = connection.copiesWrites
    this.buffer = buffer
    this.counters = counters
  }

  /** Whether the peer is behind with taking its answers: make no more of them until it has caught up. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Bytes that the system took from the connection so far; it grows by whole writes. */
  get sentBytes(): number {
    return this.handedBytes - this.#connection.unsentBytes
  }

  /** Bytes handed to the connection that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#connection.unsentBytes
  }

  /** Hands everything in the buffer to the connection, in one write. */
  flush(): void {
    const { buffer } = this
    const { length } = buffer
    if (length === 0) return
    const connection = this.#connection
    if (connection.destroyed) {
      this.discard()
      return
    }
    const copied = !this.#takesAtOnce || connection.unsentBytes > 0
    this.#blocked = !connection.write(copied ? Buffer.from(buffer.filled()) : buffer.filled())
    // Where nothing is unsent, the system has copied the bytes, and they may be written over.
    this.#takesAtOnce = connection.copiesWrites && connection.unsentBytes === 0
    if (!copied && !this.#takesAtOnce) buffer.detach()
    buffer.length = 0
    this.handed(length)
  }

  /** Throws away everything in the buffer, which nobody will get: the buffer is for other sessions too. */
  discard(): void {
    const { length } = this.buffer
    this.buffer.length = 0
    if (length > 0) this.discarded(length)
  }

  /** More waits than the peer takes. */
  block(): void {
    this.#blocked = true
  }

  /** Everything has been sent. */
  unblock(): void {
    this.#blocked = false
  }

  /** Ends our side once everything has been sent. */
  end(): void {
    this.#connection.end()
  }

  /** Writes bytes that are not in the buffer. The caller leaves them as they are. */
  protected writeApart(bytes: Uint8Array): void {
    if (this.#connection.destroyed) {
      this.discarded(bytes.length)
      return
    }
    this.#blocked = !this.#connection.write(bytes)
    this.handed(bytes.length)
  }

  /** Counts answers that nobody will get, in bytes. */
  protected abstract discarded(length: number): void

  /** Counts bytes that were handed to the connection. */
  protected handed(length: number): void {
    this.handedBytes += length
    this.counters.sentBytes += length
  }
}

/** From how many unsent bytes on a connection asks to write no more. */
export function highWaterMark(maxWriteBuffer: number): number {
  return Math.min(PAUSE_AT, Math.floor(maxWriteBuffer / 2))
}
