import type { FrameReader } from '@demo/frame'
import { HandlerTimeoutError } from '../api/server-errors.ts'
import type { Session } from '../api/session.ts'
import { Inbound } from '../io/inbound.ts'
import type { Outbound } from '../io/outbound.ts'
import type { Scheduled } from '../io/read-scheduler.ts'
import type { Connection, ConnectionEvents } from '../transport/connection.ts'
import { ConnectionSession } from './connection-session.ts'
import { InFlight, type InFlightOwner } from './in-flight.ts'
import type { RequestTimes } from './lazy-request-context.ts'
import type { SessionContext } from './session-context.ts'
import { streamErrorReason } from './stream-error.ts'

/** One connection of frames, for any protocol. What a frame means, and what an answer looks like, is up to its subclass. */
export abstract class FrameSession<S extends Session, Request, Answer>
  extends ConnectionSession<S>
  implements ConnectionEvents, Scheduled, InFlightOwner<Request, Answer>
{
  /** Whether one more request may be taken: the last result of {@link mayTake}. */
  protected taking = false
  /** Whether a request is in flight that has to be answered before the next one is taken. */
  protected exclusive = false
  /** Whether a Conn has to succeed before anything else. */
  protected authRequired = false
  /** When taking the current requests began, on the monotonic clock; 0 until it is needed. */
  protected takenAt = 0
  protected readonly pending: InFlight<Request, Answer>
  protected readonly inbound: Inbound
  protected abstract readonly decoder: FrameReader
  protected abstract readonly outbound: Outbound

  readonly #context: SessionContext<S>
  readonly #maxInFlight: number
  #peerEnded = false
  #requests = 0
  /** When the last bytes were received; 0 if no handler takes a context. */
  #receivedAt = 0

  constructor(id: number, connection: Connection, context: SessionContext<S>) {
    super(id, connection, context)
    const { options, counters, ordered } = context
    this.#context = context
    this.#maxInFlight = options.maxInFlight
    this.pending = new InFlight({ handlerTimeout: options.handlerTimeout, ordered }, counters, this)
    this.inbound = new Inbound(connection, context, this)
    connection.attach(this)
  }

  /** Takes the received requests, as many as may be taken. */
  protected abstract takeRequests(): void
  /** Puts an answer into the write buffer. */
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
    return this.inbound.receivedBytes
  }

  get sentBytes(): number {
    return this.outbound.writtenBytes
  }

  /** Does everything that can be done now: answers settled requests, takes received ones, and sends. */
  work(): void {
    try {
      if (this.pending.unanswered > 0 && !this.outbound.blocked) this.#answerSettled()
      this.takeRequests()
      this.beforeFlush()
      this.outbound.flush()
      this.#advance()
    } catch (error) {
      this.failInternally(error)
    }
  }

  resumeReading(): void {
    this.inbound.release()
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
      const received = this.received(chunk.length)
      if (received === 'admitted') this.workOn(chunk, lent)
      else if (received === 'deferred') this.decoder.push(lent ? Buffer.from(chunk) : chunk)
    } catch (error) {
      this.failInternally(error)
    }
  }

  onWritable(): void {
    this.outbound.unblock()
    this.work()
  }

  onEnd(): void {
    this.#peerEnded = true
    if (!this.move('ended')) return
    this.setReason('peer-closed')
    this.work()
  }

  /** Called when the session reads on: for a subclass that can have its connection cut frames. */
  protected beforeNextRead(): void {}

  /** For a subclass that queues messages. */
  protected beforeFlush(): void {}

  /** Whether queued messages wait to be sent. Our side of the connection is ended after them. */
  protected get hasQueued(): boolean {
    return false
  }

  /** Schedules {@link work} for later in this turn. */
  protected wake(): void {
    this.#context.scheduler.wake(this)
  }

  /** Whether there is room for one more request, and the peer reads its answers. */
  protected mayTake(): boolean {
    return this.takesRequests && this.pending.held < this.#maxInFlight && !this.outbound.blocked && !this.exclusive
  }

  /** Flushes because the buffer is full. */
  protected flushEarly(): void {
    this.outbound.flush()
    this.taking = this.mayTake()
  }

  /** When the current requests were received, and the deadline of their handlers. */
  protected timesNow(): RequestTimes {
    const { handlerTimeout, handshakeTimeout } = this.#context.options
    if (this.takenAt === 0) this.takenAt = performance.now()
    const handshakeEnd = this.authRequired ? this.acceptedAt + handshakeTimeout : Number.POSITIVE_INFINITY
    return { receivedAt: this.#receivedAt, deadline: Math.min(this.takenAt + handlerTimeout, handshakeEnd) }
  }

  /** Counts the requests that were taken, and reports those that are answered already. */
  protected countTaken(count: number, unansweredBefore: number): void {
    const { counters, options } = this.#context
    this.#requests += count
    counters.requestsReceived += count
    const answered = count - (this.pending.unanswered - unansweredBefore)
    if (answered > 0) options.observer.answered?.((performance.now() - this.takenAt) / 1000, answered)
  }

  /**
   * Ends the stream after an error of the peer or of a user's codec.
   *
   * @throws the error if it is neither: a bug
   */
  protected streamFailed(error: unknown): void {
    const reason = streamErrorReason(error)
    if (reason === undefined) throw error
    this.fail(reason, error as Error)
    if (reason === 'internal-error') this.#context.handlers.error(error, this.self)
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

  /**
   * Counts bytes that were read.
   *
   * @returns whether the session takes them: now (`admitted`), or in a later turn
   */
  protected received(length: number): 'admitted' | 'deferred' | 'ignored' {
    this.inbound.count(length)
    if (this.state !== 'open') return 'ignored'
    if (this.#context.takesContext) this.#receivedAt = performance.now()
    return this.inbound.admit(length, this.#requests) ? 'admitted' : 'deferred'
  }

  /** Takes the requests in some bytes, and those that follow from it. */
  protected workOn(bytes: Uint8Array, lent: boolean): void {
    this.decoder.push(bytes)
    this.work()
    if (lent && !this.taking) this.decoder.detach()
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
      if (this.mayTake()) {
        this.beforeNextRead()
        this.inbound.resume()
      } else this.inbound.pause()
      return
    }
    if (this.state === 'finishing' && this.mayTake()) this.#noMoreFrames()
    if (this.state !== 'finishing' && this.state !== 'answering') return
    this.inbound.pause()
    if (this.pending.unanswered === 0 && !this.hasQueued && this.move('answered')) {
      this.outbound.end()
      this.inbound.resume()
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
