import { FrameError, type FrameReader } from '@demo/frame'
import { PacketError } from '@demo/packet'
import { CodecError, HandlerTimeoutError, ProtocolError } from '../api/server-errors.ts'
import type { Session } from '../api/session.ts'
import { Inbound } from '../io/inbound.ts'
import type { Outbound } from '../io/outbound.ts'
import type { Scheduled } from '../io/read-scheduler.ts'
import type { Connection, ConnectionEvents } from '../transport/connection.ts'
import { ConnectionSession } from './connection-session.ts'
import { type ExpiredDeadline, SessionDeadlines } from './deadlines.ts'
import { InFlight, type InFlightOwner } from './in-flight.ts'
import type { RequestTimes } from './lazy-request-context.ts'
import type { SessionContext } from './session-context.ts'
import type { Swept } from './sweeper.ts'

/**
 * One connection of frames: its limits, its order and its drain, for any protocol. What a frame means, and what an answer
 * looks like, is up to its subclass: {@link takeRequests} and {@link answer}.
 */
export abstract class FrameSession<S extends Session, Request, Answer>
  extends ConnectionSession<S>
  implements ConnectionEvents, Scheduled, Swept, InFlightOwner<Request, Answer>
{
  /** Whether one more request may be taken now: {@link mayTake} as of the last change. */
  protected taking = false
  /** Whether a request that must be answered before all others is in flight. */
  protected exclusive = false
  /** Whether a Conn must succeed before anything else. */
  protected authRequired = false
  /** When the requests that are being taken were begun with; 0 until somebody wants to know. */
  protected takenAt = 0
  protected readonly pending: InFlight<Request, Answer>
  protected abstract readonly decoder: FrameReader
  protected abstract readonly outbound: Outbound

  readonly #context: SessionContext<S>
  readonly #maxInFlight: number
  readonly #inbound: Inbound
  readonly #deadlines: SessionDeadlines
  /** Sweeps skip this idle session until this time, unless bytes arrive. */
  #idleUntil = 0
  #bytesWhenIdle = 0
  #tickAt: number
  #peerEnded = false
  #requests = 0
  /** When the last bytes came; only where contexts are wanted. */
  #receivedAt = 0

  constructor(id: number, connection: Connection, context: SessionContext<S>) {
    super(id, connection, context)
    const { options, counters, ordered } = context
    this.#context = context
    this.#maxInFlight = options.maxInFlight
    this.#inbound = new Inbound(connection, context, this)
    this.pending = new InFlight({ handlerTimeout: options.handlerTimeout, ordered }, counters, this)
    this.#deadlines = new SessionDeadlines(options)
    this.#tickAt = this.acceptedAt + options.tickInterval
    connection.attach(this)
  }

  /** Takes the requests that were received, as many as may be taken. */
  protected abstract takeRequests(): void
  /** Puts an answer down for the next flush. */
  protected abstract answer(request: Request, answer: Answer): void
  abstract toAnswer(value: unknown, request: Request): Answer
  abstract failed(error: unknown, request: Request): Answer
  /** The name of the handler that a request is for. */
  protected abstract handlerOf(request: Request): string

  get inFlight(): number {
    return this.pending.size
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

  get owesAnswers(): boolean {
    if (this.state === 'opening' || this.state === 'closed') return false
    if (this.state === 'finishing') return true
    return this.pending.unanswered > 0 || this.outbound.unsentBytes > 0
  }

  /** Answers what was received, and closes. Not to be called from within a handler: it fills the write buffer. */
  drain(): void {
    if (this.opening) this.endOpening('draining')
    if (this.state !== 'open') return
    this.#inbound.pause()
    // What was read already counts as received.
    this.connection.deliverBuffered()
    if (!this.move('ended')) return
    this.ends('draining')
    this.work()
  }

  /** How many requests were received and not answered, those included that were not taken. Call it before `terminate()`. */
  countUnanswered(): number {
    if (this.state === 'closed') return 0
    let untaken = 0
    try {
      while (this.takesRequests && this.decoder.next()) untaken += 1
    } catch (error) {
      // The rest is not a valid frame.
      if (!(error instanceof FrameError)) this.breakDown(error)
    }
    return this.pending.unanswered + untaken
  }

  /** Closes a session that has exceeded a limit. `now` is in milliseconds on the monotonic clock. */
  sweep(now: number): void {
    try {
      this.#checkLimits(now)
    } catch (error) {
      this.breakDown(error)
    }
  }

  /** Everything that can be done now: answer what has settled, take what was received, send, and move on. */
  work(): void {
    try {
      if (this.pending.unanswered > 0 && !this.outbound.blocked) this.#answerSettled()
      this.takeRequests()
      this.beforeFlush()
      this.outbound.flush()
      this.#advance()
    } catch (error) {
      this.breakDown(error)
    }
  }

  resumeReading(): void {
    this.#inbound.release()
  }

  settled(soon: boolean): void {
    if (soon) process.nextTick(() => this.work())
    else this.wake()
  }

  overran(request: Request, limit: number): Error {
    return new HandlerTimeoutError(this.handlerOf(request), limit, 'its request is answered with a failure')
  }

  onBytes(chunk: Uint8Array, lent: boolean): void {
    try {
      this.#receive(chunk, lent)
    } catch (error) {
      this.breakDown(error)
    }
  }

  onWritable(): void {
    this.outbound.unblock()
    this.work()
  }

  onEnd(): void {
    this.#peerEnded = true
    if (!this.move('ended')) return
    this.ends('peer-closed')
    this.work()
  }

  /** For a subclass that queues messages of its own. */
  protected beforeFlush(): void {}

  /** Whether messages of its own wait to be sent: our side of the connection is not ended before they are. */
  protected get hasQueued(): boolean {
    return false
  }

  /** Has the session work later in this turn. */
  protected wake(): void {
    this.#context.scheduler.wake(this)
  }

  /** Whether there is room for one more request, and a peer to answer it to. */
  protected mayTake(): boolean {
    return this.takesRequests && this.pending.held < this.#maxInFlight && !this.outbound.blocked && !this.exclusive
  }

  /** Sends before the buffer overflows. */
  protected flushEarly(): void {
    this.outbound.flush()
    this.taking = this.mayTake()
  }

  /** When the requests that are being taken came, and how long their handlers have. */
  protected timesNow(): RequestTimes {
    const { handlerTimeout, handshakeTimeout } = this.#context.options
    if (this.takenAt === 0) this.takenAt = performance.now()
    const handshakeEnd = this.authRequired ? this.acceptedAt + handshakeTimeout : Number.POSITIVE_INFINITY
    return { receivedAt: this.#receivedAt, deadline: Math.min(this.takenAt + handlerTimeout, handshakeEnd) }
  }

  /** Counts requests that were taken, and reports the answers that they have already. */
  protected took(count: number, unansweredBefore: number): void {
    const { counters, options } = this.#context
    this.#requests += count
    counters.requestsReceived += count
    const answered = count - (this.pending.unanswered - unansweredBefore)
    if (answered > 0) options.observer.answered?.((performance.now() - this.takenAt) / 1000, answered)
  }

  /**
   * The stream can't go on, because of the peer or of a user's codec.
   *
   * @throws whatever else it is: a bug
   */
  protected streamFailed(error: unknown): void {
    if (error instanceof FrameError) this.fail('frame-error', error)
    else if (error instanceof PacketError || error instanceof ProtocolError) this.fail('packet-error', error)
    else if (error instanceof CodecError) {
      this.fail('internal-error', error)
      this.#context.handlers.error(error, this.self)
    } else throw error
  }

  protected stopTaking(): void {
    this.taking = false
    if (this.state !== 'closed') this.wake()
  }

  protected discardAnswers(): void {
    this.outbound.discard()
  }

  protected abandon(reason: () => Error): void {
    this.pending.abandon(reason)
  }

  #receive(chunk: Uint8Array, lent: boolean): void {
    this.#inbound.count(chunk.length)
    if (this.state !== 'open') return
    if (this.#context.takesContext) this.#receivedAt = performance.now()
    const admitted = this.#inbound.admit(chunk, this.#requests)
    this.decoder.push(lent && !admitted ? Buffer.from(chunk) : chunk)
    if (!admitted) return
    this.work()
    if (lent && !this.taking) this.decoder.detach()
  }

  #checkLimits(now: number): void {
    const open = this.state === 'open'
    if (open && now < this.#idleUntil && this.receivedBytes === this.#bytesWhenIdle) return
    if (open && now >= this.#tickAt) this.#tick(now)
    this.pending.giveUpOverdue(now)
    const expired = this.#deadlines.check(
      {
        // A Conn whose handler has not settled has its limit in a drain, too.
        handshaking: this.opening || (this.authRequired && (open || (this.takesRequests && this.exclusive))),
        framesTaken: this.#requests,
        insideFrame: open && !this.#inbound.paused && this.decoder.insideFrame,
        receivedBytes: this.receivedBytes,
        deferred: open && this.#inbound.deferred,
        inFlight: this.pending.size + Number(this.admitting),
        sentBytes: this.outbound.sentBytes,
        unsentBytes: this.outbound.unsentBytes,
        ended: this.state === 'lingering' && this.outbound.unsentBytes === 0,
      },
      now,
    )
    if (expired !== undefined) this.#expire(expired)
    else if (open && !this.authRequired) this.#skipWhileIdle()
  }

  #expire(limit: ExpiredDeadline): void {
    const { handshakeTimeout } = this.#context.options
    if (limit === 'lingered') this.connection.destroy()
    else if (this.opening) this.expireOpening(limit, handshakeTimeout)
    else if (limit === 'write-timeout') this.terminate(limit)
    else {
      this.stop(limit)
      // The handler that decides on a Conn has only as long as the peer had for it.
      if (this.exclusive) this.pending.giveUpOldest(handshakeTimeout)
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
    if (this.pending.size > 0 || this.outbound.unsentBytes > 0 || this.decoder.insideFrame) return
    this.#idleUntil = Math.min(this.#deadlines.idleDeadline, this.#tickAt)
    this.#bytesWhenIdle = this.receivedBytes
  }

  #answerSettled(): void {
    const { observer } = this.#context.options
    const now = observer.answered === undefined ? 0 : performance.now()
    this.pending.answerSettled(
      (request, answer) => {
        this.answer(request, answer)
        return !this.outbound.blocked
      },
      (startedAt, count) => observer.answered?.((now - startedAt) / 1000, count),
    )
  }

  /** Resumes or pauses reading; half-closes once every answer is sent. */
  #advance(): void {
    if (this.state === 'open') {
      if (this.mayTake()) this.#inbound.resume()
      else this.#inbound.pause()
      return
    }
    if (this.state === 'finishing' && this.mayTake()) this.#noMoreFrames()
    if (this.state !== 'finishing' && this.state !== 'answering') return
    this.#inbound.pause()
    if (this.pending.unanswered === 0 && !this.hasQueued && this.move('answered')) {
      this.outbound.end()
      this.#inbound.resume()
    }
  }

  #noMoreFrames(): void {
    this.move('taken')
    if (!this.#peerEnded) return
    try {
      this.decoder.finish()
    } catch (error) {
      this.streamFailed(error)
    }
  }
}
