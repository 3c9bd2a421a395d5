import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { PATIENCE, waitFor, within } from './wait-for.ts'

/** Where a server listens. */
export type PeerAddress = { readonly path: string } | { readonly address: string; readonly port: number }

/** Options of {@link connectPeer}. */
export interface PeerOptions {
  /** Whether it reads what the other end sends; false until {@link Peer.read}. */
  reads?: boolean
  /** Whether it leaves its side open when the other end has ended its own. */
  holdsOn?: boolean
  /** The address of this machine from which it connects. */
  localAddress?: string
}

/** One end of a connection, and how to reset the connection. */
export interface PeerSide<Stream extends Duplex = Duplex> {
  readonly stream: Stream
  reset(): void
}

/** One end of a connection, without frames: it sends the bytes that the test gives it, and keeps what it receives. */
export class Peer<Stream extends Duplex = Duplex> {
  readonly socket: Stream
  readonly #reset: () => void
  readonly #chunks: Buffer[] = []
  #length = 0
  #ended = false
  #closed = false
  #error: NodeJS.ErrnoException | undefined

  constructor({ stream, reset }: PeerSide<Stream>) {
    this.socket = stream
    this.#reset = reset
    stream.on('error', (error) => {
      this.#error = error
    })
    stream.on('close', () => {
      this.#closed = true
    })
  }

  /** Its port; undefined without one. */
  get localPort(): number | undefined {
    const stream: Duplex = this.socket
    return 'localPort' in stream ? (stream as Socket).localPort : undefined
  }

  /** How many bytes it has received so far. */
  get receivedLength(): number {
    return this.#length
  }

  /** What it has received so far. */
  get receivedBytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** What it has received so far, as hex. */
  get received(): string {
    return this.receivedBytes.toString('hex')
  }

  /** Whether the other end has ended its side, with a FIN. */
  get ended(): boolean {
    return this.#ended
  }

  get closed(): boolean {
    return this.#closed
  }

  /** What broke the connection, mostly a reset. */
  get error(): NodeJS.ErrnoException | undefined {
    return this.#error
  }

  /** Begins to read what the other end sends. */
  read(): void {
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#length += chunk.length
    })
    this.socket.on('end', () => {
      this.#ended = true
    })
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(toBytes(bytes))
  }

  /** Sends, and resolves when the system has taken all of it. */
  sent(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(toBytes(bytes), () => resolve()))
  }

  /** Ends its side with a FIN, after some last bytes. */
  end(bytes: string | Uint8Array = ''): void {
    this.socket.end(toBytes(bytes))
  }

  /** Breaks the connection with a RST. */
  reset(): void {
    this.#reset()
  }

  /** Waits for so many bytes. @returns all that it has received by then, as hex */
  async receive(length: number, patience = PATIENCE): Promise<string> {
    await waitFor(
      () => this.#length >= length || this.#ended || this.#closed,
      () => `for ${length} bytes; there are ${this.#length}: ${this.#tail}`,
      patience,
    )
    return this.received
  }

  /** Waits for as many bytes as `hex` has. @returns all that it has received by then: for `toBe(hex)` */
  receiveLike(hex: string): Promise<string> {
    return this.receive(hex.length / 2)
  }

  /** Waits for the FIN of the other end. @returns all bytes before it, as hex. @throws after a reset */
  async receiveAll(patience = PATIENCE): Promise<string> {
    await waitFor(
      () => this.#ended || this.#closed,
      () => `for the end of the stream; there are ${this.#length} bytes: ${this.#tail}`,
      patience,
    )
    if (!this.#ended) throw new Error(`the stream broke before its end: ${this.#error?.code ?? 'closed'}`)
    return this.received
  }

  /** Waits until the connection is closed, by its ends or by a reset. */
  async untilClosed(patience = PATIENCE): Promise<void> {
    await waitFor(
      () => this.#closed,
      () => 'for the connection to be closed',
      patience,
    )
  }

  get #tail(): string {
    return `…${this.received.slice(-112)}`
  }
}

/** Connects a peer over TCP, or over a Unix socket. */
export async function connectPeer(address: PeerAddress, options: PeerOptions = {}): Promise<Peer> {
  const peer = new Peer(await openPeerSide(address, options))
  if (options.reads ?? true) peer.read()
  return peer
}

/** Opens the peer's end of a connection over TCP, or over a Unix socket. */
export async function openPeerSide(address: PeerAddress, options: PeerOptions): Promise<PeerSide<Socket>> {
  const { holdsOn = false, localAddress } = options
  const from = localAddress === undefined ? {} : { localAddress }
  const where = 'path' in address ? { path: address.path } : { host: address.address, port: address.port, ...from }
  const socket = connect({ ...where, allowHalfOpen: holdsOn, noDelay: true })
  await within(once(socket, 'connect'), 'for a peer to connect')
  // A Unix socket has no reset: the nearest thing is to destroy it.
  return { stream: socket, reset: () => ('path' in address ? socket.destroy() : socket.resetAndDestroy()) }
}

function toBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes
}
