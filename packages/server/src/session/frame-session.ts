import type { X509Certificate } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { FrameError, type FrameReader } from '@demo/frame'
import { PacketError } from '@demo/packet'
import type { SessionOptions } from '../check-options.ts'
import type { HandlerCaller } from '../handlers/handler-caller.ts'
import { Inbound, type InboundContext } from '../io/inbound.ts'
import type { Outbound } from '../io/outbound.ts'
import type { Scheduled } from '../io/read-scheduler.ts'
import type { Connection, ConnectionEvents } from '../transport/connection.ts'
import type { CloseReason } from './close-reason.ts'
import { type ExpiredDeadline, SessionDeadlines } from './deadlines.ts'
import { InFlight, type InFlightOwner } from './in-flight.ts'
import type { Session } from './session.ts'
import { ProtocolError, SessionError } from './session-error.ts'
import { nextState, type SessionEvent, type SessionState } from './session-state.ts'
import type { Swept } from './sweeper.ts'

/** What a session needs of its server. */
export interface SessionContext<S> extends InboundContext {
  readonly options: SessionOptions
  readonly handlers: HandlerCaller<S>
  /** Whether answers leave in the order of their requests. */
  readonly ordered: boolean
  /** The session's connection is gone. */
  onClosed(session: S): void
}

/**
 * One connection: its life, its limits and its order, for any protocol. What a frame means, and what an answer looks
 * like, is up to its subclass: {@link takeRequests} and {@link answer}.
 */
export abstract class FrameSession<S extends Session, Request, Answer>
  implements ConnectionEvents, Scheduled, Swept, InFlightOwner<Request, Answer>
{
  readonly id: number
  /** Whether it counts among the connections of its address. */
  counted = false

  /** Whether one more request may be taken now: {@link mayTake} as of the last change. */
  protected taking = false
  /** Whether a request that must be answered before all others is in flight. */
  protected exclusive = false
  /** Whether a Conn must succeed before anything else. */
  protected authRequired = false
  /** When the requests that are being taken were read; 0 until somebody wants to know. */
  protected readAt = 0
  protected abstract readonly decoder: FrameReader
  protected abstract readonly outbound: Outbound
  protected readonly inFlight_: InFlight<Request, Answer>

  readonly #context: SessionContext<S>
  readonly #connection: Connection
  readonly #inbound: Inbound
  readonly #deadlines: SessionDeadlines
  #state: SessionState = 'opening'
  /** What `onOpen` decides about. */
  #admission: 'none' | 'pending' | 'settled' = 'none'
  /** Sweeps skip this idle session until this time, unless bytes arrive. */
  #idleUntil = 0
  #bytesWhenIdle = 0
  #tickAt: number
  #peerEnded = false
  #reason: CloseReason | undefined
  #error: Error | undefined
  #requests = 0
  #abort: AbortController | undefined

  constructor(id: number, connection: Connection, context: SessionContext<S>) {
    const { options, counters, ordered } = context
    this.id = id
    this.#context = context
    this.#connection = connection
    this.#inbound = new Inbound(connection, context, this)
    this.inFlight_ = new InFlight({ handlerTimeout: options.handlerTimeout, ordered }, counters, this)
    this.#deadlines = new SessionDeadlines(options)
    this.#tickAt = performance.now() + options.tickInterval
    connection.attach(this)
  }

  /** Takes the requests that were received, as many as may be taken. */
  protected abstract takeRequests(): void

  /** Puts an answer down for the next flush. */
  protected abstract answer(request: Request, answer: Answer): void

  abstract toAnswer(value: unknown, request: Request): Answer

  abstract failed(error: unknown, request: Request): Answer

  /** This, as its handlers see it. */
  protected abstract get self(): S

  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#connection.remotePort
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.#connection.peerCertificate
  }

  get state(): SessionState {
    return this.#state
  }

  get inFlight(): number {
    return this.inFlight_.size
  }

  get requests(): number {
    return this.#requests
  }

  get receivedBytes(): number {
    return this.#inbound.receivedBytes
  }

  get sentBytes(): number {
    return this.outbound.handedBytes
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      // It is meant to be shared by all requests of the session: there is no leak to warn of.
      setMaxListeners(0, this.#abort.signal)
      if (this.#state === 'closed') this.#abort.abort(this.closedError())
    }
    return this.#abort.signal
  }

  close(): void {
    if (this.#admission === 'pending') this.#admitted(false)
    else if (this.#state === 'opening') this.terminate('handler-closed')
    else this.stop('handler-closed')
  }

  destroy(error?: Error): void {
    this.terminate('handler-closed', error)
  }

  /** Lets `onOpen` decide, then begins to read frames. */
  open(): void {
    if (this.#reason !== undefined || !this.#move('opened')) return
    this.#admission = 'pending'
    const outcome = this.#context.handlers.open(this.self)
    if (typeof outcome === 'boolean') this.#admitted(outcome)
    else {
      this.#move('held')
      void outcome.then((admitted) => this.#admitted(admitted))
    }
  }

  /** Closes at once; what was not answered stays so. The reason is this one, unless there was one before. */
  terminate(reason: CloseReason, error?: Error): void {
    if (this.#reason === undefined || this.#reason === 'draining') {
      this.#reason = reason
      this.#error = error
    }
    this.#connection.destroy()
  }

  /** Answers what was received, and closes. Not to be called from within a handler: it fills the write buffer. */
  drain(): void {
    if (this.#state === 'opening') this.terminate('draining')
    if (this.#state !== 'open') return
    this.#inbound.pause()
    // What was read already counts as received.
    this.#connection.deliverBuffered()
    if (!this.#move('ended')) return
    this.#reason = 'draining'
    this.work()
  }

  /** How many requests were received and not answered, those included that were not taken. Call it before `terminate()`. */
  countUnanswered(): number {
    let untaken = 0
    try {
      while (this.#state === 'finishing' && this.decoder.next()) untaken += 1
    } catch {
      // The rest is not a valid frame.
    }
    return this.inFlight_.unanswered + untaken
  }

  /** Whether closing it now would lose an answer. */
  get owesAnswers(): boolean {
    if (this.#state === 'opening') return false
    return this.#state !== 'lingering' || this.outbound.unsentBytes > 0
  }

  /** Closes a session that has exceeded a limit. `now` is in milliseconds on the monotonic clock. */
  sweep(now: number): void {
    const open = this.#state === 'open'
    if (open && now < this.#idleUntil && this.receivedBytes === this.#bytesWhenIdle) return
    if (open && now >= this.#tickAt) this.#tick(now)
    this.inFlight_.giveUpOverdue(now)
    const expired = this.#deadlines.check(
      {
        handshaking: this.#state === 'opening' || (open && this.authRequired),
        framesTaken: this.#requests,
        insideFrame: open && !this.#inbound.paused && this.decoder.insideFrame,
        receivedBytes: this.receivedBytes,
        deferred: open && this.#inbound.deferred,
        inFlight: this.inFlight_.size,
        sentBytes: this.outbound.sentBytes,
        unsentBytes: this.outbound.unsentBytes,
        ended: this.#state === 'lingering' && this.outbound.unsentBytes === 0,
      },
      now,
    )
    if (expired !== undefined) this.#expire(expired)
    else if (open && !this.authRequired) this.#skipWhileIdle()
  }

  /** Everything that can be done now: answer what has settled, take what was received, send, and move on. */
  work(): void {
    if (this.inFlight_.unanswered > 0) this.#answerSettled()
    this.takeRequests()
    this.beforeFlush()
    this.outbound.flush()
    this.#advance()
  }

  resumeReading(): void {
    this.#inbound.release()
  }

  /** Requests in flight have settled. */
  settled(soon: boolean): void {
    if (soon) process.nextTick(() => this.work())
    else this.wake()
  }

  /** Bytes have come. `lent`: they are valid until this returns. */
  onBytes(chunk: Uint8Array, lent: boolean): void {
    this.#inbound.count(chunk.length)
    if (this.#state !== 'open') return
    const admitted = this.#inbound.admit(chunk, this.#requests)
    this.decoder.push(lent && !admitted ? Buffer.from(chunk) : chunk)
    if (!admitted) return
    this.work()
    if (lent && !this.taking) this.decoder.detach()
  }

  onWritable(): void {
    this.outbound.unblock()
    this.work()
  }

  onEnd(): void {
    this.#peerEnded = true
    if (!this.#move('ended')) return
    this.#reason = 'peer-closed'
    this.work()
  }

  onError(error: NodeJS.ErrnoException): void {
    if (this.#reason !== undefined && !(this.#reason === 'draining' && this.owesAnswers)) return
    this.#reason = error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'peer-reset' : 'socket-error'
    this.#error = error
  }

  onClose(): void {
    const { counters, handlers } = this.#context
    const inHandshake = this.#state === 'opening' && this.#admission === 'none'
    if (inHandshake && this.#reason === undefined && this.#connection.bytesRead > 0) {
      this.#reason = 'handshake-error'
      this.#error = new Error('the connection ended in the middle of the handshake')
    }
    const reason = this.#reason ?? 'peer-closed'
    this.#reason = reason
    this.#move('closed')
    const closed = this.closedError()
    this.inFlight_.abandon(closed)
    counters.connectionsClosed[reason] += 1
    this.#abort?.abort(closed)
    this.onClosed()
    this.#context.onClosed(this.self)
    handlers.close(this.self, reason, this.#error)
  }

  /** For a subclass that queues messages of its own. */
  protected beforeFlush(): void {}

  /** For a subclass that has something waiting for the connection. */
  protected onClosed(): void {}

  /** Has the session work later in this turn. */
  protected wake(): void {
    this.#context.scheduler.wake(this)
  }

  /** Whether there is room for one more request, and a peer to answer it to. */
  protected mayTake(): boolean {
    return (
      (this.#state === 'open' || this.#state === 'finishing') &&
      this.inFlight_.size < this.#context.options.maxInFlight &&
      !this.outbound.blocked &&
      !this.exclusive
    )
  }

  /** Sends before the buffer overflows. */
  protected flushEarly(): void {
    this.outbound.flush()
    this.taking = this.mayTake()
  }

  /** Counts requests that were taken, and reports the answers that they had already. */
  protected took(count: number, inFlightBefore: number): void {
    const { counters, options } = this.#context
    this.#requests += count
    counters.requestsReceived += count
    const answered = count - (this.inFlight_.size - inFlightBefore)
    if (answered > 0) options.observer.answered?.((performance.now() - this.readAt) / 1000, answered)
  }

  /** Takes no more requests. */
  protected stop(reason: CloseReason): void {
    if (!this.#move('stopped')) return
    this.taking = false
    this.#reason = reason
    this.wake()
  }

  /** The stream can't go on: the peer broke the protocol, or there is a bug on our side. */
  protected fail(error: unknown): void {
    this.#move('stopped')
    this.taking = false
    if (error instanceof FrameError) this.#reason = 'frame-error'
    else if (error instanceof PacketError || error instanceof ProtocolError) this.#reason = 'packet-error'
    else {
      this.#reason = 'internal-error'
      const ours = error instanceof SessionError ? error : internalError(error)
      this.#error = ours
      this.#context.handlers.error(ours, this.self)
      return
    }
    this.#error = error
  }

  /** Why nothing can be done with a connection that is gone. */
  protected closedError(): SessionError {
    return new SessionError('ERR_SESSION_CLOSED', `the connection is closed: ${this.#reason ?? 'it is ending'}`)
  }

  /** @returns whether the event changed the state */
  #move(event: SessionEvent): boolean {
    const next = nextState(this.#state, event)
    if (next === undefined) return false
    this.#state = next
    return true
  }

  #admitted(admitted: boolean): void {
    if (this.#admission !== 'pending') return
    this.#admission = 'settled'
    if (this.#reason !== undefined) return
    this.#move('opened')
    this.#connection.open()
    if (!admitted) this.stop('handler-closed')
  }

  #expire(limit: ExpiredDeadline): void {
    if (limit === 'lingered') this.#connection.destroy()
    else if (limit === 'write-timeout' || this.#state === 'opening') this.terminate(limit)
    else {
      this.stop(limit)
      // The handler that decides on a Conn has only as long as the peer had for it.
      if (this.exclusive) this.inFlight_.giveUpOldest(this.#context.options.handshakeTimeout)
    }
  }

  #tick(now: number): void {
    const { handlers, options } = this.#context
    // At multiples of the interval, so that lateness does not accumulate; those that were missed are left out.
    this.#tickAt += options.tickInterval * Math.ceil((now - this.#tickAt + 1) / options.tickInterval)
    handlers.tick(this.self)
  }

  /** An idle session is not looked at again until its limit, unless bytes come: that is most of them, most of the time. */
  #skipWhileIdle(): void {
    if (this.inFlight_.size > 0 || this.outbound.unsentBytes > 0 || this.decoder.insideFrame) return
    this.#idleUntil = Math.min(this.#deadlines.idleDeadline, this.#tickAt)
    this.#bytesWhenIdle = this.receivedBytes
  }

  #answerSettled(): void {
    const { observer } = this.#context.options
    const now = observer.answered === undefined ? 0 : performance.now()
    this.inFlight_.answerSettled(
      (request, answer) => {
        this.answer(request, answer)
        return !this.outbound.blocked
      },
      (startedAt, count) => observer.answered?.((now - startedAt) / 1000, count),
    )
  }

  /** Resumes or pauses reading; half-closes once every answer is sent. */
  #advance(): void {
    if (this.#state === 'open') {
      if (this.mayTake()) this.#inbound.resume()
      else this.#inbound.pause()
      return
    }
    if (this.#state === 'finishing' && this.mayTake()) this.#noMoreFrames()
    if (this.#state !== 'finishing' && this.#state !== 'answering') return
    this.#inbound.pause()
    if (this.inFlight_.unanswered === 0 && this.#move('answered')) {
      this.outbound.end()
      this.#inbound.resume()
    }
  }

  #noMoreFrames(): void {
    this.#move('taken')
    if (!this.#peerEnded) return
    try {
      this.decoder.finish()
    } catch (error) {
      this.fail(error)
    }
  }
}

function internalError(cause: unknown): SessionError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new SessionError('ERR_INTERNAL', `a bug in @demo/server: ${message}`, { cause })
}
