import { createPacketCodec } from '@demo/packet'
import { ConnectionsPerIp } from './connections-per-ip.ts'
import { createCounters, type ServerCounters } from './counters.ts'
import { Sweeper } from './deadlines.ts'
import { HandlerCaller, type Handlers } from './handlers.ts'
import { connectionsThatOpenFilesAllow } from './open-file-limit.ts'
import { checkOptions, ServerOptionError, type ServerOptions, usingTls } from './options.ts'
import { highWaterMark, Scratch } from './outbound.ts'
import type { Session } from './session.ts'
import { type SessionContext, TcpSession } from './tcp-session.ts'
import type { Connection, Handshake, ServerAddress, Transport } from './transport/connection.ts'
import { HandshakeError } from './transport/handshake-error.ts'
import { ReadBuffer } from './transport/read-buffer.ts'
import { type ListenOptions, TcpTransport } from './transport/tcp-transport.ts'
import type { TlsOptions } from './transport/tls.ts'
import { Turns } from './turns.ts'

const DEFAULT_DRAIN_TIMEOUT = 10_000

/** The longest that a timer of Node can wait, in milliseconds: 24 days. */
const MAX_TIMER = 2 ** 31 - 1

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
   * Begins to listen: on TCP (the host is `127.0.0.1` unless given), on a Unix socket, or on another transport.
   *
   * @throws the system's error, with its code: `EADDRINUSE`, `EACCES`, …
   */
  listen(where: ListenOptions | Transport): Promise<ServerAddress>

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
  #transport: Transport | undefined
  readonly #sweeper: Sweeper
  readonly #perIp: ConnectionsPerIp
  #lastId = 0
  #closing: Promise<CloseSummary> | undefined
  /** Aborts when the close begins, and with it a listen() that is not through. */
  readonly #closed = new AbortController()
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
      turns: this.#turns,
      forget: (session) => this.#forget(session),
    }
    this.#sweeper = new Sweeper(checked, this.#sessions)
    options.observer?.attach?.(this.counters)
  }

  get sessions(): ReadonlySet<Session<Data>> {
    return this.#sessions
  }

  get address(): ServerAddress | undefined {
    return this.#transport?.address
  }

  async listen(where: ListenOptions | Transport): Promise<ServerAddress> {
    if (this.#closing !== undefined) throw new Error('the server is closed: make another')
    this.#transport = 'listen' in where ? where : this.#tcpTransport(where)
    return this.#transport.listen((connection, handshake) => this.#accept(connection, handshake), this.#closed.signal)
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #drain(timeout: number): Promise<CloseSummary> {
    const startedAt = performance.now()
    this.#closed.abort()
    const listenerClosed = this.#transport?.close()
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

  #tcpTransport(where: ListenOptions): TcpTransport {
    const { maxWriteBuffer, reuseReadBuffer, proxies, tls } = this.#context.options
    return new TcpTransport(where, {
      highWaterMark: highWaterMark(maxWriteBuffer),
      readBuffer: new ReadBuffer(reuseReadBuffer),
      proxies,
      tls,
      handshakeTurn: () => this.#turns.ownTurn(),
    })
  }

  #accept(connection: Connection, handshake: Handshake | undefined): void {
    this.#lastId += 1
    this.counters.connectionsOpened += 1
    const session = new TcpSession(this.#lastId, connection, this.#context)
    const tooMany = this.#sessions.size >= this.maxConnections
    this.#sessions.add(session)
    this.#sweeper.start()
    if (tooMany) session.destroy('too-many-connections', new Error(`${this.maxConnections} connections are open`))
    else if (this.#closing !== undefined) session.destroy('draining')
    else if (handshake !== undefined) void this.#shakeHands(session, handshake)
    else if (this.#admit(session)) session.open()
  }

  async #shakeHands(session: TcpSession<Data>, handshake: Handshake): Promise<void> {
    try {
      if (await handshake(() => this.#admit(session))) session.open()
    } catch (error) {
      session.destroy(error instanceof HandshakeError ? error.reason : 'socket-error', error as Error)
    }
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

  #forget(session: TcpSession<Data>): void {
    this.#sessions.delete(session)
    if (session.counted) this.#perIp.leave(session.remoteAddress)
    if (this.#sessions.size > 0) return
    this.#sweeper.stop()
    this.#whenEmpty?.()
  }
}
