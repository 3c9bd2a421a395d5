import type { X509Certificate } from 'node:crypto'
import type { Accept, Connection, ConnectionEvents, ServerAddress, Transport } from './connection.ts'
import { MemoryPeer, type ServerEnd } from './memory-peer.ts'

/** With this many unsent bytes `write` returns false. The peer's stream buffers as many in each direction. */
const HIGH_WATER_MARK = 64 * 1024

/** The most bytes of one read, as with a Node socket. */
const READ_LENGTH = 64 * 1024

let lastNumber = 0

/** Options of {@link MemoryTransport}. */
export interface MemoryTransportOptions {
  /** @default 65536 (64 KiB) */
  readonly highWaterMark?: number | undefined
}

/**
 * Connections within one process, without sockets: for tests of a server and its handlers. Like those of a socket, bytes
 * are delivered in a later turn of the event loop.
 *
 * @example
 * const transport = new MemoryTransport()
 * await server.listen(transport)
 * const peer = transport.connect() // a stream.Duplex
 */
export class MemoryTransport implements Transport {
  readonly #path = `memory:${++lastNumber}`
  readonly #highWaterMark: number
  readonly #open = new Set<MemoryConnection>()
  #accept: Accept | undefined
  #whenEmpty: (() => void) | undefined

  constructor({ highWaterMark = HIGH_WATER_MARK }: MemoryTransportOptions = {}) {
    this.#highWaterMark = highWaterMark
  }

  get address(): ServerAddress | undefined {
    return this.#accept === undefined ? undefined : { path: this.#path }
  }

  async listen(accept: Accept): Promise<ServerAddress> {
    this.#accept = accept
    return { path: this.#path }
  }

  pauseAccepting(): boolean {
    return false
  }

  resumeAccepting(): void {}

  async close(): Promise<void> {
    this.#accept = undefined
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
  }

  /**
   * Connects.
   *
   * @param options `allowHalfOpen`: whether the peer's end stays open when the server has ended its own; as with Node's
   *   sockets, but true by default
   * @returns the peer's end; destroying it with an error resets the connection
   * @throws Error `ECONNREFUSED` when no server listens
   */
  connect({ allowHalfOpen = true }: { readonly allowHalfOpen?: boolean | undefined } = {}): MemoryPeer {
    const accept = this.#accept
    if (accept === undefined)
      throw Object.assign(new Error('connect ECONNREFUSED: no server listens on this transport'), {
        code: 'ECONNREFUSED',
      })
    const connection = new MemoryConnection(this.#highWaterMark, allowHalfOpen, () => {
      this.#open.delete(connection)
      if (this.#open.size === 0) this.#whenEmpty?.()
    })
    this.#open.add(connection)
    setImmediate(() => accept(connection, undefined))
    return connection.peer
  }
}

/** The server's end of a connection in memory. */
export class MemoryConnection implements Connection, ServerEnd {
  readonly remoteAddress = undefined
  readonly remotePort = undefined
  readonly peerCertificate: X509Certificate | undefined = undefined
  readonly copiesWrites = false
  /** Undelivered bytes are in the peer's buffer. */
  readonly bufferedBytes = 0
  readonly peer: MemoryPeer
  bytesRead = 0
  #unsentBytes = 0
  readonly #highWaterMark: number
  readonly #onClosed: () => void
  #events: ConnectionEvents | undefined
  #opened = false
  #paused = true
  #delivering = false
  #blocked = false
  #ending = false
  #ended = false
  #closed = false
  #peerEnded = false
  #endDelivered = false
  /** What the session wrote and the peer has not read. */
  readonly #unsent: Uint8Array[] = []

  constructor(highWaterMark: number, allowHalfOpen: boolean, onClosed: () => void) {
    this.#highWaterMark = highWaterMark
    this.#onClosed = onClosed
    this.peer = new MemoryPeer(this, highWaterMark, allowHalfOpen)
  }

  get destroyed(): boolean {
    return this.#closed
  }

  get unsentBytes(): number {
    return this.#unsentBytes
  }

  attach(events: ConnectionEvents): void {
    this.#events = events
  }

  open(): void {
    this.#opened = true
    this.resume()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deliverSoon()
  }

  deliverBuffered(): void {
    // Nothing is buffered: see bufferedBytes.
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending) return false
    this.#unsentBytes += bytes.length
    this.#unsent.push(bytes)
    setImmediate(() => this.send())
    this.#blocked = this.#unsentBytes >= this.#highWaterMark
    return !this.#blocked
  }

  end(): void {
    this.#ending = true
    setImmediate(() => this.send())
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    setImmediate(() => {
      this.peer.serverGone(this.#ended)
      this.#events?.onClose()
      this.#onClosed()
    })
  }

  send(): void {
    if (this.#closed) return
    if (this.peer.destroyed && this.#unsent.length > 0) {
      this.peerReset()
      return
    }
    while (this.#unsent.length > 0 && this.peer.hasRoom) {
      const bytes = this.#unsent.shift()
      if (bytes === undefined) break
      this.#unsentBytes -= bytes.length
      this.peer.push(bytes)
    }
    if (this.#unsent.length > 0) return
    if (this.#blocked) {
      this.#blocked = false
      this.#events?.onWritable()
    }
    // onWritable may have written more.
    if (this.#unsent.length > 0) return
    if (this.#ending && !this.#ended) {
      this.#ended = true
      if (!this.peer.destroyed) this.peer.push(null)
      this.#closeWhenBothEnded()
    }
  }

  peerWrote(): void {
    this.#deliverSoon()
  }

  peerEnded(): void {
    if (this.#peerEnded) return
    this.#peerEnded = true
    this.#deliverSoon()
  }

  peerReset(): void {
    // As with a socket, the reset is seen in a later turn.
    setImmediate(() => {
      if (this.#closed) return
      this.#events?.onError(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }))
      this.destroy()
    })
  }

  #deliverSoon(): void {
    if (this.#delivering) return
    this.#delivering = true
    setImmediate(() => {
      this.#delivering = false
      this.#deliverNext()
    })
  }

  /** Delivers one chunk in a turn, as a socket does. */
  #deliverNext(): void {
    if (!this.#opened || this.#paused || this.#closed) return
    const bytes = this.peer.takeWritten(READ_LENGTH)
    if (bytes !== undefined) {
      this.bytesRead += bytes.length
      this.#events?.onBytes(bytes, false)
      this.#deliverSoon()
    } else if (this.#peerEnded && !this.#endDelivered) {
      this.#endDelivered = true
      this.#events?.onEnd()
      this.#closeWhenBothEnded()
    }
  }

  #closeWhenBothEnded(): void {
    if (this.#ended && this.#endDelivered) this.destroy()
  }
}
