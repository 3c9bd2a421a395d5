import type { MutableCounters } from '../observability/counters.ts'
import type { Connection } from '../transport/connection.ts'

/** A session with this many unsent bytes is not read. */
const PAUSE_AT = 64 * 1024

/**
 * The buffer that answers are written into, one for all sessions of a server. A session fills and flushes it within one turn
 * of the event loop, so two sessions never use it at the same time.
 */
export class WriteBuffer {
  readonly #allocate: () => Buffer
  #bytes: Buffer
  #filled: Buffer | undefined
  /** How many bytes are filled. */
  length = 0

  /** @param allocate makes the bytes; their length is always the same */
  constructor(allocate: () => Buffer) {
    this.#allocate = allocate
    this.#bytes = allocate()
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** The filled bytes. The view is reused if the length is the same: single acks cost no new view. */
  filled(): Buffer {
    if (this.#filled?.length !== this.length) this.#filled = this.#bytes.subarray(0, this.length)
    return this.#filled
  }

  /** Leaves the bytes to a write that still uses them, and continues with new bytes. */
  detach(): void {
    this.#bytes = this.#allocate()
    this.#filled = undefined
  }
}

/** The outbound side of one session. Nothing else writes to its connection. */
export abstract class Outbound {
  protected readonly buffer: WriteBuffer
  protected readonly counters: MutableCounters
  readonly #connection: Connection
  #blocked = false
  /** Whether the connection took the last write at once. A connection that keeps the bytes (TLS) never does. */
  #takesAtOnce: boolean
  /** Bytes written to the connection so far. */
  writtenBytes = 0

  constructor(connection: Connection, buffer: WriteBuffer, counters: MutableCounters) {
    this.#connection = connection
    this.#takesAtOnce = connection.copiesWrites
    this.buffer = buffer
    this.counters = counters
  }

  /** Whether the peer reads its answers too slowly: make no answers until it has caught up. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Bytes that the system took from the connection so far. It grows by whole writes. */
  get sentBytes(): number {
    return this.writtenBytes - this.#connection.unsentBytes
  }

  /** Bytes written to the connection that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#connection.unsentBytes
  }

  /** Writes the whole buffer to the connection, in one write. */
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
    // If nothing is unsent, the system has copied the bytes, and they may be overwritten.
    this.#takesAtOnce = connection.copiesWrites && connection.unsentBytes === 0
    if (!copied && !this.#takesAtOnce) buffer.detach()
    buffer.length = 0
    this.written(length)
  }

  /** Discards everything in the buffer, because the connection is gone. Other sessions use the buffer too. */
  discard(): void {
    const { length } = this.buffer
    this.buffer.length = 0
    if (length > 0) this.discarded(length)
  }

  /** Everything has been sent. */
  unblock(): void {
    this.#blocked = false
  }

  /** Ends our side once everything has been sent. */
  end(): void {
    this.#connection.end()
  }

  /** Writes bytes that are not in the buffer. The caller must not change them. */
  protected writeApart(bytes: Uint8Array): void {
    if (this.#connection.destroyed) {
      this.discarded(bytes.length)
      return
    }
    this.#blocked = !this.#connection.write(bytes)
    this.written(bytes.length)
  }

  /** Counts answers that were discarded. @param length in bytes */
  protected abstract discarded(length: number): void

  /** Counts bytes that were written to the connection. */
  protected written(length: number): void {
    this.writtenBytes += length
    this.counters.sentBytes += length
  }
}

/** The number of unsent bytes from which `Connection.write` returns false. */
export function highWaterMark(maxWriteBuffer: number): number {
  return Math.min(PAUSE_AT, Math.floor(maxWriteBuffer / 2))
}
