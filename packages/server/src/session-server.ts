import type { Session } from './api/session.ts'
import { type CheckedCommonOptions, usingTls } from './check-options.ts'
import { type CloseOptions, type CloseSummary, Drain, type Drainable, drainTimeoutOf } from './drain.ts'
import { highWaterMark } from './io/outbound.ts'
import { ReadScheduler } from './io/read-scheduler.ts'
import { ConnectionsPerIp } from './limits/connections-per-ip.ts'
import { connectionsThatOpenFilesAllow } from './limits/open-file-limit.ts'
import { createCounters } from './observability/counters.ts'
import { ServerOptionError } from './option-error.ts'
import type { Server } from './server.ts'
import { checkDestroyReason } from './session/destroy-reason.ts'
import { type Sweepable, Sweeper } from './session/sweeper.ts'
import type { Connection, Handshake, ServerAddress, Transport } from './transport/connection.ts'
import { HandshakeError } from './transport/handshake-error.ts'
import { checkListenOptions, ListenError, type ListenOptions } from './transport/listen-options.ts'
import { type EngineName, engineFor, nativeEngine } from './transport/native-engine.ts'
import { NativeTransport } from './transport/native-transport.ts'
import { ReadBuffer } from './transport/read-buffer.ts'
import { TcpTransport } from './transport/tcp-transport.ts'
import type { TlsOptions } from './transport/tls.ts'

/** What a server needs of a session, beside what its handlers see. */
export interface ServedSession extends Sweepable, Drainable {
  /** Whether it is counted as a connection of its address. */
  counted: boolean
  open(): void
  failInternally(thrown: unknown): void
}

/** Accepts connections, makes sessions of them, and drains them, for any protocol. */
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
  #engine: EngineName | undefined
  /** Whether it listens, or has begun to. */
  #listening = false
  #lastId = 0
  #closing: Promise<CloseSummary> | undefined
  #drain: Drain | undefined
  /** Aborts when the close begins, and with it a listen() that has not resolved. */
  readonly #closed = new AbortController()
  /** Called when the last session is closed. */
  #whenEmpty: (() => void) | undefined

  /** @param createSession makes the session of a connection. It calls {@link remove} when the connection is closed */
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

  get engine(): EngineName | undefined {
    return this.#engine
  }

  async listen(where: ListenOptions | Transport): Promise<ServerAddress> {
    if (this.#closing !== undefined)
      throw new ListenError('ERR_SERVER_CLOSED', 'the server is closed: create a new one')
    if (!('listen' in where)) checkListenOptions(where)
    if (this.#listening) {
      throw new ListenError(
        'ERR_SERVER_ALREADY_LISTEN',
        'the server listens already: create another one for another address',
      )
    }
    this.#listening = true
    try {
      const transport = 'listen' in where ? where : await this.#socketTransport(where)
      this.#transport = transport
      const accept = (connection: Connection, handshake?: Handshake) => this.#accept(connection, handshake)
      const address = await transport.listen(accept, this.#closed.signal)
      if (this.#engine !== undefined) this.#options.observer.engine?.(this.#engine)
      return address
    } catch (error) {
      this.#transport = undefined
      this.#engine = undefined
      this.#listening = false
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
    if (current === undefined)
      throw new ServerOptionError('tls', undefined, 'certificate and key', 'the server was made without tls')
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

  /** Removes a session whose connection is closed. */
  remove(session: S): void {
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

  async #socketTransport(where: ListenOptions): Promise<Transport> {
    const { engine, maxWriteBuffer, reuseReadBuffer, proxies, tls } = this.#options
    const common = { highWaterMark: highWaterMark(maxWriteBuffer), proxies }
    // TLS is Node's own.
    this.#engine = tls === undefined ? await engineFor(engine) : 'node'
    this.#closed.signal.throwIfAborted()
    if (this.#engine === 'native') {
      return new NativeTransport(await nativeEngine(), where, { ...common, keep: !reuseReadBuffer })
    }
    return new TcpTransport(where, {
      ...common,
      readBuffer: new ReadBuffer(reuseReadBuffer),
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
    else if (handshake !== undefined) void this.#doHandshake(session, handshake)
    else if (this.#admit(session)) session.open()
  }

  async #doHandshake(session: S, handshake: Handshake): Promise<void> {
    try {
      if (await handshake(() => this.#admit(session))) session.open()
    } catch (error) {
      if (error instanceof HandshakeError) session.terminate(error.reason, error)
      else session.failInternally(error)
    }
  }

  /** Admits a session, unless its address has reached its limit of connections. */
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
