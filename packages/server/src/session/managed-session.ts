import { FrameError } from '@demo/frame'
import type { Session } from '../api/session.ts'
import type { Connection } from '../transport/connection.ts'
import { type ExpiredDeadline, SessionDeadlines } from './deadlines.ts'
import { FrameSession } from './frame-session.ts'
import type { SessionContext } from './session-context.ts'
import type { Sweepable } from './sweeper.ts'

/** Adds what a server does with a session of frames: it checks time limits and ticks in a sweep, and drains the session. */
export abstract class ManagedSession<S extends Session, Request, Answer>
  extends FrameSession<S, Request, Answer>
  implements Sweepable
{
  readonly #context: SessionContext<S>
  readonly #deadlines: SessionDeadlines
  /** Sweeps skip this idle session until this time, unless bytes arrive. */
  #idleUntil = 0
  #bytesWhenIdle = 0
  #tickAt: number

  constructor(id: number, connection: Connection, context: SessionContext<S>) {
    super(id, connection, context)
    const { options } = context
    this.#context = context
    this.#deadlines = new SessionDeadlines(options)
    this.#tickAt = this.acceptedAt + options.tickInterval
  }

  /** Whether the bytes received so far end inside a frame. */
  protected get insideFrame(): boolean {
    return this.decoder.insideFrame
  }

  get owesAnswers(): boolean {
    if (this.state === 'opening' || this.state === 'closed') return false
    if (this.state === 'finishing') return true
    return this.pending.unanswered > 0 || this.outbound.unsentBytes > 0
  }

  /** Answers what was received, then closes. Do not call it within a handler: it fills the write buffer. */
  drain(): void {
    if (this.opening) this.endOpening('draining')
    if (this.state !== 'open') return
    this.inbound.pause()
    // Bytes that were read already count as received.
    this.connection.deliverBuffered()
    if (!this.move('ended')) return
    this.setReason('draining')
    this.work()
  }

  /** How many requests were received and not answered, including those not taken. Call it before `terminate()`. */
  countUnanswered(): number {
    if (this.state === 'closed') return 0
    let untaken = 0
    try {
      while (this.takesRequests && this.decoder.next()) untaken += 1
    } catch (error) {
      // The rest is not a valid frame.
      if (!(error instanceof FrameError)) this.failInternally(error)
    }
    return this.pending.unanswered + untaken
  }

  /** Closes the session if it has exceeded a limit. @param now in milliseconds on the monotonic clock */
  sweep(now: number): void {
    try {
      this.#checkLimits(now)
    } catch (error) {
      this.failInternally(error)
    }
  }

  #checkLimits(now: number): void {
    const open = this.state === 'open'
    if (open && now < this.#idleUntil && this.receivedBytes === this.#bytesWhenIdle) return
    if (open && now >= this.#tickAt) this.#tick(now)
    this.pending.giveUpOverdue(now)
    const expired = this.#deadlines.check(
      {
        // The limit of a Conn whose handler has not settled also holds in a drain.
        handshaking: this.opening || (this.authRequired && (open || (this.takesRequests && this.exclusive))),
        framesTaken: this.requests,
        insideFrame: open && !this.inbound.paused && this.insideFrame,
        receivedBytes: this.receivedBytes,
        deferred: open && this.inbound.deferred,
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
      // The handler of a required Conn has the same limit as the peer.
      if (this.exclusive) this.pending.giveUpOldest(handshakeTimeout)
    }
  }

  #tick(now: number): void {
    const { handlers, options } = this.#context
    // At multiples of the interval, so that lateness does not accumulate. Missed ticks are skipped.
    this.#tickAt += options.tickInterval * Math.ceil((now - this.#tickAt + 1) / options.tickInterval)
    handlers.tick(this.self)
  }

  /** Sweeps skip an idle session until its limit, unless bytes are received. Most sessions are idle most of the time. */
  #skipWhileIdle(): void {
    if (this.pending.size > 0 || this.outbound.unsentBytes > 0 || this.insideFrame) return
    this.#idleUntil = Math.min(this.#deadlines.idleDeadline, this.#tickAt)
    this.#bytesWhenIdle = this.receivedBytes
  }
}
