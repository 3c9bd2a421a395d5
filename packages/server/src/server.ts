import { once } from 'node:events'
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createPacketCodec } from '@demo/packet'
import { pauseAccepting, resumeAccepting } from './accepting.ts'
import { ConnectionsPerIp } from './connections-per-ip.ts'
import { createCounters, type ServerCounters } from './counters.ts'
import { Sweeper } from './deadlines.ts'
import { HandlerCaller, type Handlers } from './handlers.ts'
import { HandshakeError } from './handshake-error.ts'
import { connectionsThatOpenFilesAllow } from './open-file-limit.ts'
import { checkOptions, ServerOptionError, type ServerOptions, usingTls } from './options.ts'
import { highWaterMark, Scratch } from './outbound.ts'
import { readProxyHeader } from './proxies.ts'
import { ReadBuffer } from './read-buffer.ts'
import type { Session } from './session.ts'
import { type SessionContext, TcpSession } from './tcp-session.ts'
import type { TlsOptions } from './tls.ts'
import { Turns } from './turns.ts'

/** Connections that the system keeps ready for us to accept. */
const BACKLOG = 4096

/** After so long without a sign of life the system asks a peer whether it is still there. */
const KEEP_ALIVE_DELAY = 60_000

/** How long the warning about one failed accept stands for those that follow, in milliseconds. */
const WARNING_INTERVAL = 1000

const DEFAULT_DRAIN_TIMEOUT = 10_000

/** The longest that a timer of Node can wait, in milliseconds: 24 days. */
const MAX_TIMER = 2 ** 31 - 1

/**
 * Where to listen: a host and a port (0: any free one), the path of a Unix socket, or a descriptor of this process that is
 * bound already: by systemd, or by a process that shares it with several.
 */
export type ListenOptions =
  | { readonly host?: string; readonly port: number }
  | { readonly path: string }
  | { readonly fd: number }

/** Where a server listens. The path of a Unix socket that was given as a descriptor is not known: it is empty. */
export type ServerAddress = { readonly address: string; readonly port: number } | { readonly path: string }

/** Options of `server.close`. */
export interface CloseOptions {
  /**
   * How long the sessions may take to answer what they received and to end, in milliseconds; 0 is no limit. What is
   * left then is cut off as `drain-timeout`.
   *
   * @default 10000
   */
  readonly timeout?: number
}

/** What came of a close. */
export interface CloseSummary {
  /** Connections that were open when the close began. */
  readonly connections: number
  /** Connections that the deadline cut off before everything received on them had been answered. */
  readonly cutOff: number
  /** Requests received on those and not answered. */
  readonly unanswered: number
  /** How long it took, in milliseconds. */
  readonly duration: number
}

/** A server of framed requests; made by {@link createServer}. */
export interface Server<Data = unknown> {
  /** The sessions that are open now. */
  readonly sessions: ReadonlySet<Session<Data>>
  /** What the server has done so far. */
  readonly counters: ServerCounters
  /** The connections it takes at the same time, once the limit of open files has had its say. */
  readonly maxConnections: number
  /** Where it listens, or undefined. */
  readonly address: ServerAddress | undefined

  /**
   * Begins to listen. The host is `127.0.0.1` unless given.
   *
   * @throws the system's error, with its code: `EADDRINUSE`, `EACCES`, …
   */
  listen(options: ListenOptions): Promise<ServerAddress>

  /**
   * Drains: accepts no more, reads no more, answers every request received, ends each connection and waits for its
   * peer to do the same. What was not done at the deadline is cut off. A second call gives the same promise.
   */
  close(options?: CloseOptions): Promise<CloseSummary>

  /**
   * Uses another certificate, key and authorities from the next connection on. Those that are open go on. Whether a
   * client must show a certificate stays as it is.
   *
   * @throws ServerOptionError when they can't be used; then nothing has changed
   */
  renewTls(tls: TlsOptions): void

  /**
   * Leaves new connections to the other processes that listen on the same descriptor, until {@link resumeAccepting}. Those
   * that are open go on, and so do those that wait: one of the processes must accept.
   *
   * @returns whether it does; false unless it listens on an `fd`
   */
  pauseAccepting(): boolean

  /** Accepts again. */
  resumeAccepting(): void

  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a server of framed requests.
 *
 * @example
 * const server = createServer({ onSubmit: (submit) => (submit.payloadLength > 0 ? 0 : 1) })
 * await server.listen({ port: 8888 })
 *
 * @throws ServerOptionError when an option can't be
 * @throws TypeError when a handler is no function
 */
export function createServer<Data = unknown>(handlers: Handlers<Data>, options: ServerOptions = {}): Server<Data> {
  return new TcpServer(handlers, options)
}

class TcpServer<Data> implements Server<Data> {
  readonly maxConnections: number
  readonly counters = createCounters()
  readonly #sessions = new Set<TcpSession<Data>>()
  readonly #turns = new Turns()
  readonly #context: SessionContext<Data>
  readonly #net: NetServer
  readonly #sweeper: Sweeper
  readonly #perIp: ConnectionsPerIp
  #lastId = 0
  #closing: Promise<CloseSummary> | undefined
  /** Aborts when the close begins, and with it a listen() that is not through. */
  readonly #closed = new AbortController()
  #warnedAt = Number.NEGATIVE_INFINITY
  /** Whether new connections are left to other processes. */
  #paused = false
  /** Called when the last session is gone. */
  #whenEmpty: (() => void) | undefined

  constructor(handlers: Handlers<Data>, options: ServerOptions) {
    const caller = new HandlerCaller(handlers)
    const checked = checkOptions(options, caller.handlesConn)
    this.#perIp = new ConnectionsPerIp(checked.maxConnectionsPerIp)
    this.maxConnections = Math.min(checked.maxConnections, connectionsThatOpenFilesAllow())
    this.#context = {
      options: checked,
      codec: createPacketCodec({ dialect: checked.dialect }),
      handlers: caller,
      counters: this.counters,
      scratch: new Scratch(),
      readBuffer: new ReadBuffer(checked.reuseReadBuffer),
      turns: this.#turns,
      forget: (session) => this.#forget(session),
    }
    this.#sweeper = new Sweeper(checked, this.#sessions)
    this.#net = createNetServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_DELAY,
        highWaterMark: highWaterMark(checked.maxWriteBuffer),
      },
      (socket) => this.#accept(socket),
    )
    this.#net.on('error', (error) => this.#acceptFailed(error))
    options.observer?.attach?.(this.counters)
  }

  get sessions(): ReadonlySet<Session<Data>> {
    return this.#sessions
  }

  get address(): ServerAddress | undefined {
    return this.#net.listening ? serverAddress(this.#net.address()) : undefined
  }

  async listen(options: ListenOptions): Promise<ServerAddress> {
    if (this.#closing !== undefined) throw new Error('the server is closed: make another')
    const net = this.#net
    const elsewhere = 'path' in options || 'fd' in options
    const where = elsewhere ? options : { host: options.host ?? '127.0.0.1', port: options.port }
    net.listen({ ...where, backlog: BACKLOG })
    await once(net, 'listening', { signal: this.#closed.signal })
    return serverAddress(net.address())
  }

  close(options: CloseOptions = {}): Promise<CloseSummary> {
    const { timeout = DEFAULT_DRAIN_TIMEOUT } = options
    if (!(timeout >= 0)) throw new ServerOptionError('timeout', timeout, 'a number of milliseconds, or 0 for no limit')
    this.#closing ??= this.#drain(timeout)
    return this.#closing
  }

  renewTls(tls: TlsOptions): void {
    const { tls: current } = this.#context.options
    if (current === undefined) throw new ServerOptionError('tls', undefined, 'given to createServer to be renewed')
    usingTls(tls, () => current.renew(tls))
  }

  pauseAccepting(): boolean {
    this.#paused ||= pauseAccepting(this.#net)
    return this.#paused
  }

  resumeAccepting(): void {
    if (this.#paused) resumeAccepting(this.#net, BACKLOG)
    this.#paused = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #drain(timeout: number): Promise<CloseSummary> {
    const startedAt = performance.now()
    this.#closed.abort()
    const listenerClosed = new Promise<void>((resolve) => this.#net.close(() => resolve()))
    const connections = this.#sessions.size
    // Later: a handler may be the one who closes, and no session works in the middle of another's work.
    setImmediate(() => {
      for (const session of this.#sessions) session.drain()
    })
    const loss = { cutOff: 0, unanswered: 0 }
    const deadline = setTimeout(() => Object.assign(loss, this.#cutOff()), Math.min(timeout || MAX_TIMER, MAX_TIMER))
    await this.#empty()
    clearTimeout(deadline)
    this.#sweeper.stop()
    await listenerClosed
    return { connections, ...loss, duration: performance.now() - startedAt }
  }

  /** The deadline has come. */
  #cutOff(): Pick<CloseSummary, 'cutOff' | 'unanswered'> {
    const owing = [...this.#sessions].filter((session) => session.owesAnswers)
    const unanswered = owing.reduce((sum, session) => sum + session.countUnanswered(), 0)
    for (const session of owing) session.destroy('drain-timeout')
    for (const session of this.#sessions) session.destroy('draining')
    return { cutOff: owing.length, unanswered }
  }

  /** Settles when no session is left. */
  #empty(): Promise<void> {
    if (this.#sessions.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenEmpty = resolve
    })
  }

  #accept(socket: Socket): void {
    this.#lastId += 1
    this.counters.connectionsOpened += 1
    const session = new TcpSession(this.#lastId, socket, this.#context)
    const tooMany = this.#sessions.size >= this.maxConnections
    this.#sessions.add(session)
    this.#sweeper.start()
    const { proxies, tls, observer } = this.#context.options
    observer.connections?.(this.#sessions.size)
    const proxied = proxies?.includes(socket.remoteAddress) === true
    if (tooMany) session.destroy('too-many-connections', new Error(`${this.maxConnections} connections are open`))
    else if (this.#closing !== undefined) session.destroy('draining')
    else if (proxied || tls !== undefined) void this.#shakeHands(session, socket, proxied)
    else if (this.#admit(session)) session.open()
  }

  /** What comes before the first frame: a proxy tells for whom it connects, then TLS. */
  async #shakeHands(session: TcpSession<Data>, socket: Socket, proxied: boolean): Promise<void> {
    try {
      if (proxied) session.proxiedFor(await readProxyHeader(socket))
      if (!this.#admit(session)) return
      session.open(await this.#secure(session, socket))
    } catch (error) {
      session.destroy(error instanceof HandshakeError ? error.reason : 'socket-error', error as Error)
    }
  }

  /** TLS, where there is to be any: once the peer has begun, and nobody else is at it in the same turn. */
  async #secure(session: TcpSession<Data>, socket: Socket): Promise<TLSSocket | undefined> {
    const { options, readBuffer } = this.#context
    const { tls } = options
    if (tls === undefined) return undefined
    const begun = await readBuffer.peek(socket)
    // Who connects and goes has seen that we live.
    if (!begun) throw new HandshakeError('the peer ended the connection', 'peer-closed')
    await this.#turns.ownTurn()
    return session.state === 'opening' ? tls.secure(socket) : undefined
  }

  /** Lets a session in, unless its address has as many as it may have. */
  #admit(session: TcpSession<Data>): boolean {
    const { remoteAddress } = session
    session.counted = this.#perIp.enter(remoteAddress)
    if (session.counted) return true
    const { maxConnectionsPerIp } = this.#context.options
    session.destroy(
      'too-many-connections',
      new Error(`${maxConnectionsPerIp} connections of ${remoteAddress} are open`),
    )
    return false
  }

  /** An error while it listens concerns a single accept, and the listener goes on; listen() rejects with any other. */
  #acceptFailed(error: Error): void {
    const now = performance.now()
    if (!this.#net.listening || now - this.#warnedAt < WARNING_INTERVAL) return
    this.#warnedAt = now
    process.emitWarning(error)
  }

  #forget(session: TcpSession<Data>): void {
    this.#sessions.delete(session)
    if (session.counted) this.#perIp.leave(session.remoteAddress)
    this.#context.options.observer.connections?.(this.#sessions.size)
    if (this.#sessions.size > 0) return
    this.#sweeper.stop()
    this.#whenEmpty?.()
  }
}

function serverAddress(address: AddressInfo | string | null): ServerAddress {
  if (address === null) return { path: '' }
  return typeof address === 'string' ? { path: address } : { address: address.address, port: address.port }
}
