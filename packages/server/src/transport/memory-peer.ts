import { Duplex } from 'node:stream'

/** The server's end of a connection in memory, as its peer sees it. */
export interface ServerEnd {
  /** Gives the peer what it has room for. */
  send(): void
  /** The peer has written. */
  peerWrote(): void
  /** The peer has ended its side. */
  peerEnded(): void
  /** The peer has reset the connection. */
  peerReset(): void
}

/** The peer's end of a connection in memory. */
export class MemoryPeer extends Duplex {
  readonly #connection: ServerEnd
  #room = true
  /** What was written and the server has not read, and the callback for when there is room for more. */
  #written: Buffer[] = []
  #writtenLength = 0
  #whenTaken: (() => void) | undefined
  #resets = false

  constructor(connection: ServerEnd, highWaterMark: number, allowHalfOpen: boolean) {
    super({ allowHalfOpen, highWaterMark })
    this.#connection = connection
  }

  /** Whether it takes more bytes now. */
  get hasRoom(): boolean {
    return this.#room
  }

  override push(chunk: Uint8Array | null): boolean {
    this.#room = super.push(chunk)
    return this.#room
  }

  override _read(): void {
    this.#room = true
    setImmediate(() => this.#connection.send())
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // Copied, as by a socket: the caller may reuse the bytes.
    this.#written.push(Buffer.from(chunk))
    this.#writtenLength += chunk.length
    this.#connection.peerWrote()
    if (this.#writtenLength < this.writableHighWaterMark) done()
    else this.#whenTaken = done
  }

  override _final(done: () => void): void {
    this.#connection.peerEnded()
    done()
  }

  /** Ends the connection like a TCP reset: bytes in transit are lost. */
  resetAndDestroy(): this {
    this.#resets = true
    return this.destroy()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // As with a socket, closing with unread bytes resets the connection. Otherwise the server sees an end.
    if (this.#resets || error !== null || this.readableLength > 0) this.#connection.peerReset()
    else this.#connection.peerEnded()
    done(error)
  }

  /** Takes the next bytes for the server, at most `length`; undefined if there are none. */
  takeWritten(length: number): Uint8Array | undefined {
    if (this.#writtenLength === 0) return undefined
    const all = Buffer.concat(this.#written, this.#writtenLength)
    const bytes = all.subarray(0, length)
    this.#written = [all.subarray(bytes.length)]
    this.#writtenLength -= bytes.length
    if (this.#writtenLength < this.writableHighWaterMark) this.#taken()
    return bytes
  }

  #taken(): void {
    const done = this.#whenTaken
    this.#whenTaken = undefined
    done?.()
  }

  /** The server's end is closed. @param ended whether it had ended its side before */
  serverGone(ended: boolean): void {
    this.#taken()
    if (this.destroyed) return
    if (ended) this.end()
    else this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  }
}
