import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ServerAddress } from '../index.ts'
import { type PeerSide, underTest } from './transports.ts'
import { PATIENCE, waitFor } from './wait-for.ts'

/** Options of {@link connectPeer}. */
export interface PeerOptions {
  /** Whether it takes what the server sends; false until {@link Peer.read}. */
  reads?: boolean
  /** Whether it leaves its side open when the server has ended its own. */
  holdsOn?: boolean
  /** From which address of this machine it comes. */
  localAddress?: string
}

/** A peer that knows nothing of frames: it sends the bytes it is told to, and keeps what comes. */
export class Peer {
  readonly socket: Duplex
  readonly #reset: () => void
  readonly #chunks: Buffer[] = []
  #length = 0
  #ended = false
  #closed = false
  #error: NodeJS.ErrnoException | undefined

  constructor({ stream, reset }: PeerSide) {
    this.socket = stream
    this.#reset = reset
    const socket = stream
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.#closed = true
    })
  }

  /** Its port; undefined where there are none. */
  get localPort(): number | undefined {
    return 'localPort' in this.socket ? (this.socket as Socket).localPort : undefined
  }

  /** How many bytes came so far. */
  get receivedLength(): number {
    return this.#length
  }

  /** What came so far. */
  get receivedBytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** What came so far, as hex. */
  get received(): string {
    return this.receivedBytes.toString('hex')
  }

  /** Whether the server has ended its side, with a FIN. */
  get ended(): boolean {
    return this.#ended
  }

  get closed(): boolean {
    return this.#closed
  }

  /** What broke the connection: a reset, as a rule. */
  get error(): NodeJS.ErrnoException | undefined {
    return this.#error
  }

  /** Begins to take what the server sends. */
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

  /** Waits for so many bytes, and gives all that came by then. */
  async receive(length: number, patience = PATIENCE): Promise<string> {
    await waitFor(
      () => this.#length >= length || this.#ended || this.#closed,
      () => `for ${length} bytes; there are ${this.#length}: ${this.#tail}`,
      patience,
    )
    return this.received
  }

  /** Waits for the server's FIN, and gives everything that came before. Fails when a reset came instead. */
  async receiveAll(patience = PATIENCE): Promise<string> {
    await waitFor(
      () => this.#ended || this.#closed,
      () => `for the end of the stream; there are ${this.#length} bytes: ${this.#tail}`,
      patience,
    )
    if (!this.#ended) throw new Error(`the stream did not end, it broke: ${this.#error?.code ?? 'closed'}`)
    return this.received
  }

  /** Waits until the connection is gone, whichever way. */
  async untilClosed(patience = PATIENCE): Promise<void> {
    await waitFor(
      () => this.#closed,
      () => 'for the connection to be gone',
      patience,
    )
  }

  get #tail(): string {
    return `…${this.received.slice(-112)}`
  }
}

/** Connects a peer that sends bytes as they are, over the transport under test. */
export async function connectPeer(address: ServerAddress, options: PeerOptions = {}): Promise<Peer> {
  const peer = new Peer(await underTest.connect(address, options))
  if (options.reads ?? true) peer.read()
  return peer
}

function toBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes
}
