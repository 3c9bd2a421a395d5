import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Connection, ConnectionEvents } from './connection.ts'
import { spellAddress } from './ip-address.ts'
import type { ProxiedPeer } from './proxy-protocol.ts'
import type { ReadBuffer } from './read-buffer.ts'

/** A connection over a Node socket: TCP, a Unix socket, or TLS over either. */
export class NodeConnection implements Connection {
  remoteAddress: string | undefined
  remotePort: number | undefined
  peerCertificate: X509Certificate | undefined
  readonly #readBuffer: ReadBuffer
  #socket: Socket
  #events: ConnectionEvents | undefined
  #opened = false
  /** Whether the peer ended its side before {@link open}. */
  #ended = false

  constructor(socket: Socket, readBuffer: ReadBuffer) {
    this.remoteAddress = socket.remoteAddress === undefined ? undefined : spellAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort
    this.#socket = socket
    this.#readBuffer = readBuffer
  }

  get destroyed(): boolean {
    return this.#socket.destroyed
  }

  get bytesRead(): number {
    return this.#socket.bytesRead
  }

  get bufferedBytes(): number {
    return this.#socket.readableLength
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  get copiesWrites(): boolean {
    return !(this.#socket instanceof TLSSocket)
  }

  attach(events: ConnectionEvents): void {
    this.#events = events
    this.#watch(this.#socket, events)
  }

  /** Sets the address from a proxy's header; undefined: the proxy connects for itself. */
  proxiedFor(peer: ProxiedPeer | undefined): void {
    if (peer === undefined) return
    this.remoteAddress = peer.address
    this.remotePort = peer.port
  }

  /** Continues with the TLS socket that was made of the plain one. Call it before {@link open}. */
  replaceSocket(socket: Socket): void {
    this.#socket = socket
    // Read now: a closed socket no longer has it. It is undefined if none was required.
    if (socket instanceof TLSSocket) this.peerCertificate = socket.getPeerX509Certificate()
    if (this.#events !== undefined) this.#watch(socket, this.#events)
  }

  open(): void {
    const socket = this.#socket
    const events = this.#events
    if (events === undefined) throw new Error('attach() comes before open()')
    this.#opened = true
    // The 'end' of a peer that sent no byte was emitted before.
    if (this.#ended) process.nextTick(() => events.onEnd())
    socket.on('drain', () => events.onWritable())
    this.#readBuffer.attach(socket, (chunk, lent) => events.onBytes(chunk, lent))
    socket.resume()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  deliverBuffered(): void {
    // read() emits 'data', which delivers the bytes.
    while (this.bufferedBytes > 0 && this.#socket.read() !== null);
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes)
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #watch(socket: Socket, events: ConnectionEvents): void {
    // Ignores events of the plain socket once TLS has replaced it.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (socket !== this.#socket) return
      events.onError(error)
      // A TLS socket that cannot decrypt a record emits 'error' and stays open.
      socket.destroy()
    })
    socket.on('end', () => {
      if (socket !== this.#socket) return
      if (this.#opened) events.onEnd()
      else this.#ended = true
    })
    socket.on('close', () => {
      if (socket === this.#socket) events.onClose()
    })
  }
}
