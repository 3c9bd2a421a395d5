import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ServerLocation } from '../index.ts'
import { waitFor } from './wait-for.ts'

/** Options of {@link startFakeServer}. */
export interface FakeServerOptions {
  /** Whether it takes what a client sends; false until {@link ServerSide.read}. */
  readonly reads?: boolean
  /** Whether it leaves its side open when a client has ended its own. */
  readonly holdsOn?: boolean
  /** Whether it listens on a Unix socket. */
  readonly unix?: boolean
  /** Called with each connection as it is accepted. */
  readonly onAccept?: (side: ServerSide) => void
}

/** A server that knows nothing of frames. It is gone when its test is. */
export interface FakeServer {
  readonly location: ServerLocation
  readonly port: number
  /** The connections accepted so far, in order. */
  readonly sides: readonly ServerSide[]
  /** Waits for the connection with this number, counted from 1. */
  accepted(number?: number): Promise<ServerSide>
}

/** The server's side of one connection: it sends the bytes it is told to, and keeps what comes. */
export class ServerSide {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  #length = 0
  #ended = false
  #closed = false

  constructor(socket: Socket) {
    this.socket = socket
    // A client that resets its connection is what some tests are about.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
    })
  }

  /** What came so far. */
  get receivedBytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** What came so far, as hex. */
  get received(): string {
    return this.receivedBytes.toString('hex')
  }

  /** How many bytes came so far. */
  get receivedLength(): number {
    return this.#length
  }

  /** Whether the client has ended its side, with a FIN. */
  get ended(): boolean {
    return this.#ended
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Begins to take what the client sends. */
  read(): void {
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#length += chunk.length
    })
    this.socket.on('end', () => {
      this.#ended = true
    })
  }

  send(hex: string): void {
    this.socket.write(Buffer.from(hex, 'hex'))
  }

  /** Ends its side with a FIN, after some last bytes. */
  end(hex = ''): void {
    this.socket.end(Buffer.from(hex, 'hex'))
  }

  /** Breaks the connection with a RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Waits for so many bytes, and gives all that came by then as hex. */
  async receive(length: number): Promise<string> {
    await waitFor(
      () => this.#length >= length || this.#ended || this.#closed,
      () => `for ${length} bytes; there are ${this.#length}: …${this.received.slice(-112)}`,
    )
    return this.received
  }

  /** Waits for as many bytes as `hex` has, and gives all that came by then: for `toBe(hex)`. */
  receiveLike(hex: string): Promise<string> {
    return this.receive(hex.length / 2)
  }

  /** Waits for the client's FIN, and gives everything that came before. Fails when a reset came instead. */
  async receiveAll(): Promise<string> {
    await waitFor(
      () => this.#ended || this.#closed,
      () => `for the end of the stream; there are ${this.#length} bytes: …${this.received.slice(-112)}`,
    )
    if (!this.#ended) throw new Error('the stream did not end, it broke')
    return this.received
  }

  /** Waits until the connection is gone, whichever way. */
  async untilClosed(): Promise<void> {
    await waitFor(
      () => this.#closed,
      () => 'for the connection to be gone',
    )
  }
}

/** Starts a server on a free port of 127.0.0.1, or on a Unix socket. */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const { reads = true, holdsOn = false, unix = false, onAccept } = options
  const sides: ServerSide[] = []
  const net = createServer({ allowHalfOpen: holdsOn, noDelay: true }, (socket) => {
    const side = new ServerSide(socket)
    if (reads) side.read()
    sides.push(side)
    onAccept?.(side)
  })
  const folder = unix ? await mkdtemp(join(tmpdir(), 'fake-server-')) : undefined
  const path = folder === undefined ? undefined : join(folder, 'socket')
  await new Promise<void>((resolve, reject) => {
    net.once('error', reject)
    net.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path }, resolve)
  })
  const port = path === undefined ? (net.address() as AddressInfo).port : 0

  onTestFinished(async () => {
    for (const side of sides) side.socket.destroy()
    await new Promise((resolve) => net.close(resolve))
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  async function accepted(number = 1): Promise<ServerSide> {
    await waitFor(
      () => sides.length >= number,
      () => `for connection ${number}; there are ${sides.length}`,
    )
    return sides[number - 1]
  }

  return { location: path === undefined ? { port } : { path }, port, sides, accepted }
}

/** One request as a server sees it. */
export interface SeenRequest {
  readonly side: ServerSide
  readonly command: number
  /** The eight digits. */
  readonly id: string
  /** As text. */
  readonly payload: string
}

/** Cuts what a client sends into requests, by hand, and tells each as soon as it is whole. */
export function watchRequests(side: ServerSide, onRequest: (request: SeenRequest) => void): void {
  let rest = Buffer.alloc(0)
  side.socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= rest.readUInt32BE(0)) {
      const frame = rest.subarray(0, rest.readUInt32BE(0))
      rest = rest.subarray(frame.length)
      onRequest({ side, command: frame[4], id: frame.toString('latin1', 5, 13), payload: frame.toString('utf8', 13) })
    }
  })
}
