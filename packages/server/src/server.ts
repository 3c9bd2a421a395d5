import type { Session } from './api/session.ts'
import { type CheckedCommonOptions, usingTls } from './check-options.ts'
import { type CloseOptions, type CloseSummary, Drain, type Drained, drainTimeoutOf } from './drain.ts'
import { highWaterMark } from './io/outbound.ts'
import { ReadScheduler } from './io/read-scheduler.ts'
import { ConnectionsPerIp } from './limits/connections-per-ip.ts'
import { connectionsThatOpenFilesAllow } from './limits/open-file-limit.ts'
import { createCounters, type ServerCounters } from './observability/counters.ts'
import { ServerOptionError } from './option-error.ts'
import { checkDestroyReason } from './session/destroy-reason.ts'
import { Sweeper, type Swept } from './session/sweeper.ts'
import type { Connection, Handshake, ServerAddress, Transport } from './transport/connection.ts'
import { HandshakeError } from './transport/handshake-error.ts'
import { ListenError, type ListenOptions } from './transport/listen-options.ts'
import { ReadBuffer } from './transport/read-buffer.ts'
import { TcpTransport } from './transport/tcp-transport.ts'
import type { TlsOptions } from './transport/tls.ts'

/** A server of framed requests. */
export interface Server<Data = unknown, S extends Session<Data> = Session<Data>> {
  /** The sessions that are open now. */
  readonly sessions: ReadonlySet<S>
  /** What the server has done so far. */
  readonly counters: ServerCounters
  /** The connections it takes at the same time: `maxConnections`, capped by the limit of open files. */
  readonly maxConnections: number
  /** Where it listens, or undefined. */
  readonly address: ServerAddress | undefined

  /**
   * Begins to listen: on TCP (the host is `127.0.0.1` unless given), on a Unix socket, or on another transport. After a
   * failure it may be tried again.
   *
   * @throws ListenError, or the system's error with its code: `EADDRINUSE`, `EACCES`, …
   */
  listen(where: ListenOptions | Transport): Promise<ServerAddress>

  /**
   * Drains: accepts no more, reads no more, answers every request received, ends each connection and waits for its
   * peer to do the same. What was not done at the deadline is cut off. A later call gives the same promise; the timeout
   * that it gives counts if its deadline comes before all others, and never makes the drain longer.
   *
   * @throws ServerOptionError, as a rejection, when the timeout is invalid; then nothing has changed
   */
  close(options?: CloseOptions): Promise<CloseSummary>

  /**
   * Accepts no more, and closes every connection at once, as `destroyed`. What was received and not answered stays so. It
   * may be called while `close()` waits, and gives the same promise.
   *
   * @param reason what `onClose` gets as its error
   * @throws TypeError, as a rejection, when the reason is no Error; then nothing has changed
   */
  destroy(reason?: Error): Promise<CloseSummary>

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

/** What a server does with a session, beside showing it to handlers. */
export interface ServedSession extends Swept, Drained {
  /** Whether it counts among the connections of its address. */
  counted: boolean
  open(): void
  breakDown(thrown: unknown): void
}

/** Accepts connections, makes sessions of them, and drains them, whatever the protocol. */
export class SessionServer<Data, S extends Session<Data> & ServedSession> implements Server<Data, S> {
  readonly maxConnections: number
  readonly counters = createCounters()
  readonly scheduler = new ReadScheduler()
  readonly #sessions = new Set<S>()
  readonly #options: CheckedCommonOptions
  readonly #createSession: (id: number, connection: Connection) => S
  readonly #sweeper: Sweeper
  readonly #perIp: ConnectionsPerIp
  #transport: Transport | undefined
  #lastId = 0
  #closing: Promise<CloseSummary> | undefined
  #drain: Drain | undefined
  /** Aborts when the close begins, and with it a listen() that is not through. */
  readonly #closed = new AbortController()
  /** Called when the last session is gone. */
  #whenEmpty: (() => void) | undefined

  /** @param createSession makes the session of a connection; it calls {@link forget} when the connection is gone */
  constructor(
    options: CheckedCommonOptions,
    createSession: (server: SessionServer<Data, S>) => (id: number, connection: Connection) => S,
  ) {
    this.#options = options
    this.#perIp = new ConnectionsPerIp(options.maxConnectionsPerIp)
    this.maxConnections = Math.min(options.maxConnections, connectionsThatOpenFilesAllow())
    this.#sweeper = new Sweeper(options, this.#sessions)
    this.#createSession = createSession(this)
    options.observer.attach?.(this.counters)
  }

  get sessions(): ReadonlySet<S> {
    return this.#sessions
  }

  get address(): ServerAddress | undefined {
    return this.#transport?.address
  }

  async listen(where: ListenOptions | Transport): Promise<ServerAddress> {
    if (this.#closing !== undefined) throw new ListenError('ERR_SERVER_CLOSED', 'the server is closed: make another')
    const transport = 'listen' in where ? where : this.#tcpTransport(where)
    if (this.#transport !== undefined) {
      throw new ListenError('ERR_SERVER_ALREADY_LISTEN', 'the server listens already: make another for another address')
    }
    this.#transport = transport
    try {
      return await transport.listen((connection, handshake) => this.#accept(connection, handshake), this.#closed.signal)
    } catch (error) {
      this.#transport = undefined
      if (!this.#closed.signal.aborted) throw error
      throw new ListenError('ERR_SERVER_CLOSED', 'the server was closed before it listened')
    }
  }

  close(options: CloseOptions = {}): Promise<CloseSummary> {
    try {
      const timeout = drainTimeoutOf(options, this.#closing === undefined)
      const summary = this.#beginToClose()
      this.#drain?.limit(timeout)
      return summary
    } catch (error) {
      return Promise.reject(error)
    }
  }

  destroy(reason?: Error): Promise<CloseSummary> {
    try {
      checkDestroyReason('server', reason)
      const summary = this.#beginToClose()
      this.#drain?.destroy(reason)
      return summary
    } catch (error) {
      return Promise.reject(error)
    }
  }

  renewTls(tls: TlsOptions): void {
    const { tls: current } = this.#options
    if (current === undefined) throw new ServerOptionError('tls', undefined, 'given to createServer to be renewed')
    usingTls(tls, () => current.renew(tls))
  }

  pauseAccepting(): boolean {
    return this.#transport?.pauseAccepting() ?? false
  }

  resumeAccepting(): void {
    this.#transport?.resumeAccepting()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A session's connection is gone. */
  forget(session: S): void {
    this.#sessions.delete(session)
    if (session.counted) this.#perIp.leave(session.remoteAddress)
    this.#options.observer.connections?.(this.#sessions.size)
    if (this.#sessions.size > 0) return
    this.#sweeper.stop()
    this.#whenEmpty?.()
  }

  #beginToClose(): Promise<CloseSummary> {
    if (this.#closing === undefined) {
      this.#drain = new Drain(this.#sessions)
      this.#closing = this.#untilDrained(this.#drain)
    }
    return this.#closing
  }

  async #untilDrained(drain: Drain): Promise<CloseSummary> {
    this.#closed.abort()
    const listenerClosed = this.#transport?.close()
    await this.#empty()
    this.#sweeper.stop()
    await listenerClosed
    return drain.end()
  }

  /** Resolves when no session is left. */
  #empty(): Promise<void> {
    if (this.#sessions.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenEmpty = resolve
    })
  }

  #tcpTransport(where: ListenOptions): TcpTransport {
    const { maxWriteBuffer, reuseReadBuffer, proxies, tls } = this.#options
    return new TcpTransport(where, {
      highWaterMark: highWaterMark(maxWriteBuffer),
      readBuffer: new ReadBuffer(reuseReadBuffer),
      proxies,
      tls,
      handshakeTurn: () => this.scheduler.nextSlot(),
    })
  }

  #accept(connection: Connection, handshake: Handshake | undefined): void {
    this.#lastId += 1
    this.counters.connectionsOpened += 1
    const session = this.#createSession(this.#lastId, connection)
    const tooMany = this.#sessions.size >= this.maxConnections
    this.#sessions.add(session)
    this.#sweeper.start()
    this.#options.observer.connections?.(this.#sessions.size)
    if (tooMany) session.terminate('too-many-connections', new Error(`${this.maxConnections} connections are open`))
    else if (this.#closing !== undefined) session.terminate('draining')
    else if (handshake !== undefined) void this.#shakeHands(session, handshake)
    else if (this.#admit(session)) session.open()
  }

  async #shakeHands(session: S, handshake: Handshake): Promise<void> {
    try {
      if (await handshake(() => this.#admit(session))) session.open()
    } catch (error) {
      if (error instanceof HandshakeError) session.terminate(error.reason, error)
      else session.breakDown(error)
    }
  }

  /** Lets a session in, unless its address has as many as it may have. */
  #admit(session: S): boolean {
    const { remoteAddress } = session
    session.counted = this.#perIp.enter(remoteAddress)
    if (session.counted) return true
    const { maxConnectionsPerIp } = this.#options
    session.terminate(
      'too-many-connections',
      new Error(`${maxConnectionsPerIp} connections of ${remoteAddress} are open`),
    )
    return false
  }
}
