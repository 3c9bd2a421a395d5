import type { Socket } from 'node:net'
import { encodeFrame } from '@demo/frame'
import {
  CommandId,
  type ConnAckView,
  createPacketCodec,
  type Dialect,
  type PacketCodec,
  PacketIdSequence,
  type SubmitAckView,
} from '@demo/packet'
import { AckReader, unexpectedAck } from './ack-reader.ts'
import { ClientError } from './client-error.ts'
import { type ClientTls, checkTimeout, openSocket, type ServerLocation } from './connect.ts'

/** How long a server may take to end a connection that we ended, in milliseconds, where requests have no limit. */
const LINGER = 5000

/** Options of {@link connect}. Times in milliseconds; 0 is no limit. */
export type ConnectOptions = ServerLocation & {
  /**
   * Which numbers the responses have on the wire.
   *
   * @default 'specification'
   */
  readonly dialect?: Dialect | undefined
  /**
   * Requests sent and not answered, at most; others wait in the client. A request that timed out or was aborted keeps
   * its place until its answer comes.
   *
   * @default 1000
   */
  readonly window?: number | undefined
  /**
   * How long connecting may take, and each request, its waiting in the client included.
   *
   * @default 5000
   */
  readonly timeout?: number | undefined
  /** Speaks TLS with the server; connecting is then over when the handshake is. */
  readonly tls?: ClientTls | undefined
  /** What the server wants to see before it lets us in, sent in a Conn: a bearer token as text, or any bytes. */
  readonly credentials?: string | Uint8Array | undefined
}

/** Options of `client.submit`. */
export interface SubmitOptions {
  /** Rejects the request with the signal's reason; if it was sent already, the server may have done it. */
  readonly signal?: AbortSignal | undefined
  /** How long this request may take, in milliseconds; 0 is no limit. The client's `timeout` unless given. */
  readonly timeout?: number | undefined
  /** Called when the request is on its way, with its ID and the length of its frame in bytes. A throw rejects it. */
  readonly onSent?: ((id: string, frameLength: number) => void) | undefined
}

/** One connection to a server, with many requests on their way at the same time. */
export interface Client {
  /** Whether it takes requests. */
  readonly alive: boolean
  /** Requests sent and not answered. */
  readonly inFlight: number
  /** Settles when the connection is gone: with the error that ended it, or with nothing after a good end. */
  readonly closed: Promise<ClientError | undefined>

  /**
   * Sends a Submit. What is submitted in one turn of the event loop leaves in one write. The payload is read then, or
   * when the window has room: do not write into it before the answer is there.
   *
   * @returns the result: 0 success, any other failure
   * @throws ClientError `ERR_CLIENT_CLOSED`, `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`
   */
  submit(payload: Uint8Array, options?: SubmitOptions): Promise<number>

  /**
   * Takes no more requests, waits until all are answered or timed out, and ends the connection. A server that does not
   * end its side within `timeout` is left.
   */
  close(): Promise<void>

  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Connects to a server, and gets in if there are credentials.
 *
 * @example
 * const client = await connect({ port: 8888 })
 * const result = await client.submit(new TextEncoder().encode('hello'))
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`; with credentials also `ERR_CLIENT_UNAUTHORIZED`, `ERR_CLIENT_TIMEOUT`,
 *   `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`
 * @throws RangeError when an option can't be
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { window = 1000, timeout = 5000, credentials } = options
  if (!(Number.isInteger(window) && window > 0))
    throw new RangeError(`window is ${window}; it must be an integer above 0`)
  checkTimeout(timeout)
  const codec = createPacketCodec(options.dialect === undefined ? {} : { dialect: options.dialect })
  const socket = await openSocket(options, timeout, options.tls)
  const client = new TcpClient(socket, codec, window, timeout)
  if (credentials !== undefined) await client.authenticate(credentials)
  return client
}

/** One request, from `submit` to its answer. */
interface Request {
  readonly command: typeof CommandId.Conn | typeof CommandId.Submit
  readonly payload: Uint8Array
  readonly onSent: SubmitOptions['onSent']
  readonly resolve: (result: number) => void
  readonly reject: (error: unknown) => void
  /** Stops its clock, and its listening to a signal. */
  readonly release: () => void
  /** The caller has its answer, or has gone: when the response comes it is taken, and nobody is told. */
  settled: boolean
}

class TcpClient implements Client {
  readonly closed: Promise<ClientError | undefined>
  readonly #socket: Socket
  readonly #codec: PacketCodec
  readonly #reader: AckReader
  readonly #window: number
  readonly #timeout: number
  readonly #ids = new PacketIdSequence()
  /** Sent and not answered, by serial number. */
  readonly #sent = new Map<number, Request>()
  /** Not sent yet, oldest first. */
  #queue: Request[] = []
  #state: 'open' | 'closing' | 'closed' = 'open'
  #flushScheduled = false
  /** Ends the wait for a server that does not end its side. */
  #linger: NodeJS.Timeout | undefined
  #error: ClientError | undefined

  constructor(socket: Socket, codec: PacketCodec, window: number, timeout: number) {
    this.#socket = socket
    this.#codec = codec
    this.#reader = new AckReader(codec)
    this.#window = window
    this.#timeout = timeout
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#hasClosed())))
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('drain', () => this.#scheduleFlush())
    socket.on('end', () => this.#serverEnded())
    socket.on('error', (error) => this.#fail(connectionLost(error)))
  }

  get alive(): boolean {
    return this.#state === 'open' && !this.#socket.destroyed
  }

  get inFlight(): number {
    return this.#sent.size
  }

  submit(payload: Uint8Array, options: SubmitOptions = {}): Promise<number> {
    return this.#request(CommandId.Submit, payload, options)
  }

  async authenticate(credentials: string | Uint8Array): Promise<void> {
    const payload = typeof credentials === 'string' ? new TextEncoder().encode(credentials) : credentials
    let result: number
    try {
      result = await this.#request(CommandId.Conn, payload, {})
    } catch (error) {
      this.#socket.destroy()
      throw error
    }
    if (result === 0) return
    this.#socket.destroy()
    throw new ClientError('ERR_CLIENT_UNAUTHORIZED', 'the server refused the credentials')
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closing'
    this.#endWhenDone()
    await this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #request(command: Request['command'], payload: Uint8Array, options: SubmitOptions): Promise<number> {
    const { signal, timeout = this.#timeout, onSent } = options
    if (!this.alive) return Promise.reject(this.#error ?? closedBefore())
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (!(payload instanceof Uint8Array)) {
      return Promise.reject(
        new TypeError(`payload is of type ${typeof payload}; it must be a Uint8Array: encode text first`),
      )
    }
    try {
      checkTimeout(timeout)
    } catch (error) {
      return Promise.reject(error)
    }
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown) => this.#giveUp(request, error)
      const aborted = () => giveUp(signal?.reason)
      const timer = timeout > 0 ? setTimeout(() => giveUp(this.#timedOut(request, timeout)), timeout) : undefined
      signal?.addEventListener('abort', aborted, { once: true })
      const release = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', aborted)
      }
      const request: Request = { command, payload, onSent, resolve, reject, release, settled: false }
      this.#queue.push(request)
      this.#scheduleFlush()
    })
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    process.nextTick(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  /** Sends what the window has room for, in one write. */
  #flush(): void {
    if (this.#state === 'closed' || this.#socket.writableNeedDrain) return
    const batch = this.#queue.splice(0, this.#window - this.#sent.size)
    if (batch.length === 0) return
    const sent = batch.map((request) => ({ request, ...this.#encode(request) }))
    this.#socket.write(sent.length === 1 ? sent[0].frame : Buffer.concat(sent.map(({ frame }) => frame)))
    for (const { request, id, frame } of sent) {
      try {
        request.onSent?.(id, frame.length)
      } catch (error) {
        // Its caller's own mistake: the others, and the connection, do not feel it.
        this.#giveUp(request, error)
      }
    }
  }

  #encode(request: Request): { id: string; frame: Uint8Array } {
    const { command, payload } = request
    const serial = this.#nextFreeSerial()
    const id = String(serial).padStart(8, '0')
    const frame = encodeFrame(this.#codec.encode({ command, id, payload }))
    this.#sent.set(serial, request)
    return { id, frame }
  }

  /** IDs go round: one that still waits for its answer after a whole round is passed over. */
  #nextFreeSerial(): number {
    let serial = this.#ids.nextSerial()
    while (this.#sent.has(serial)) serial = this.#ids.nextSerial()
    return serial
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#reader.read(chunk, (ack) => this.#answered(ack))
    } catch (error) {
      this.#fail(error as ClientError)
      return
    }
    if (this.#queue.length > 0) this.#scheduleFlush()
    this.#endWhenDone()
  }

  #answered(ack: ConnAckView | SubmitAckView): void {
    const request = this.#sent.get(ack.serial)
    const answers = request?.command === CommandId.Conn ? CommandId.ConnAck : CommandId.SubmitAck
    if (request === undefined || ack.command !== answers) throw unexpectedAck(ack, request?.command)
    this.#sent.delete(ack.serial)
    if (request.settled) return
    this.#settle(request)
    request.resolve(ack.result)
  }

  /** The caller no longer waits; if it was sent, its answer may still come. */
  #giveUp(request: Request, error: unknown): void {
    if (request.settled) return
    const at = this.#queue.indexOf(request)
    if (at >= 0) this.#queue.splice(at, 1)
    this.#settle(request)
    request.reject(error)
    this.#endWhenDone()
  }

  #timedOut(request: Request, timeout: number): ClientError {
    const sent = !this.#queue.includes(request)
    const what = sent ? 'no answer came' : 'the window had no room'
    return new ClientError('ERR_CLIENT_TIMEOUT', `${what} within ${timeout} ms`, { sent })
  }

  #settle(request: Request): void {
    request.settled = true
    request.release()
  }

  #endWhenDone(): void {
    if (this.#state !== 'closing' || this.#awaitsAnswers()) return
    this.#socket.end()
    this.#linger ??= setTimeout(() => this.#socket.destroy(), this.#timeout || LINGER)
  }

  /** No more answers will come. */
  #serverEnded(): void {
    try {
      this.#reader.finish()
    } catch (error) {
      this.#fail(error as ClientError)
      return
    }
    if (this.#awaitsAnswers()) this.#fail(connectionLost())
    else this.#socket.destroySoon()
  }

  #awaitsAnswers(): boolean {
    return this.#queue.length > 0 || [...this.#sent.values()].some((request) => !request.settled)
  }

  #fail(error: ClientError): void {
    this.#error ??= error
    this.#socket.destroy()
  }

  #hasClosed(): ClientError | undefined {
    this.#state = 'closed'
    clearTimeout(this.#linger)
    const unsent = this.#queue
    this.#queue = []
    for (const request of unsent) {
      this.#settle(request)
      request.reject(this.#error ?? connectionLost())
    }
    for (const request of this.#sent.values()) {
      if (request.settled) continue
      this.#settle(request)
      request.reject(sentError(this.#error ?? connectionLost()))
    }
    this.#sent.clear()
    return this.#error
  }
}

function closedBefore(): ClientError {
  return new ClientError('ERR_CLIENT_CLOSED', 'the client is closed: connect again')
}

function connectionLost(cause?: Error): ClientError {
  const how = cause === undefined ? 'the server ended the connection' : `the connection was lost: ${cause.message}`
  return new ClientError('ERR_CLIENT_CONNECTION_LOST', how, { cause })
}

/** The same error for a request whose fate nobody knows. */
function sentError({ code, message, cause, dialect }: ClientError): ClientError {
  return new ClientError(code, `${message}; whether the request was done is not known`, { cause, sent: true, dialect })
}
