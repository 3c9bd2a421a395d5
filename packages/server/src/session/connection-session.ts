import type { X509Certificate } from 'node:crypto'
import type { CloseReason } from '../api/close-reason.ts'
import { ConnectionClosedError, HandlerTimeoutError, InternalError } from '../api/server-errors.ts'
import type { Session, SessionState } from '../api/session.ts'
import { whenSettled } from '../handlers/outcome.ts'
import type { Connection } from '../transport/connection.ts'
import { checkDestroyReason } from './destroy-reason.ts'
import { Ending } from './ending.ts'
import { createSharedAbortController } from './lazy-request-context.ts'
import type { LifeContext } from './session-context.ts'
import { nextState, type SessionEvent } from './session-state.ts'

/** The life of a session: its states, its admission by `onOpen`, and its end. Frames are the subclass's part. */
export abstract class ConnectionSession<S extends Session> {
  readonly id: number
  /** Whether it is counted as a connection of its address. */
  counted = false

  /** Whether requests are taken in the current state. */
  protected takesRequests = false
  protected readonly connection: Connection
  protected readonly acceptedAt = performance.now()
  readonly #context: LifeContext<S>
  #state: SessionState = 'opening'
  /** Whether `onOpen` was called, and has settled. */
  #admission: 'none' | 'pending' | 'settled' = 'none'
  readonly #ending = new Ending()
  #abort: AbortController | undefined

  constructor(id: number, connection: Connection, context: LifeContext<S>) {
    this.id = id
    this.connection = connection
    this.#context = context
  }

  /** The session as its handlers see it. */
  protected abstract get self(): S
  /** Whether an answer would be lost if it were closed now. */
  abstract get owesAnswers(): boolean
  /** Stops taking requests. */
  protected abstract stopTaking(): void
  /** Discards answers that are in the write buffer. */
  protected abstract discardAnswers(): void
  /** Gives up the requests in flight: the connection is closed. */
  protected abstract abandon(reason: () => Error): void
  /** Called when `onOpen` has settled. From then on the connection is read and written. */
  protected admitted(): void {}

  get remoteAddress(): string | undefined {
    return this.connection.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.connection.remotePort
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.connection.peerCertificate
  }

  get state(): SessionState {
    return this.#state
  }

  get signal(): AbortSignal {
    this.#abort ??= createSharedAbortController()
    if (this.#state === 'closed') this.#abort.abort(this.#ending.abortReason)
    return this.#abort.signal
  }

  /** Why the connection is closed, or undefined while it is not. */
  get closedError(): Error | undefined {
    return this.#state === 'closed' ? this.#ending.abortReason : undefined
  }

  /** The error for a call on a session that is closed, or is about to be. */
  protected get endedError(): Error {
    const { reason = 'peer-closed', error } = this.#ending
    return this.closedError ?? new ConnectionClosedError(reason, error)
  }

  close(): void {
    if (this.#admission === 'pending') this.#admit('handler-closed')
    else if (this.#state === 'opening') this.terminate('handler-closed')
    else this.stop('handler-closed')
  }

  destroy(reason?: Error): void {
    checkDestroyReason('session', reason)
    this.terminate('destroyed', reason)
  }

  /** Calls `onOpen`, and begins to read if it admits the session. */
  open(): void {
    if (!this.move('opened')) return
    this.#admission = 'pending'
    const outcome = this.#context.handlers.open(this.self)
    if (typeof outcome === 'boolean') this.#admit(outcome ? undefined : 'handler-closed')
    else {
      this.move('held')
      whenSettled(
        outcome,
        () => this.#admit(),
        (error) => this.#refuse(error),
      )
    }
  }

  /**
   * Closes at once, without the answers that are missing. An earlier reason is kept, unless it was an orderly close that
   * this one cuts short.
   */
  terminate(reason: CloseReason, error?: Error): void {
    if (this.#state === 'closed') return
    const { reason: before } = this.#ending
    const cutsShort = before === 'draining' || (before === 'peer-closed' && this.owesAnswers)
    if (before === undefined || cutsShort) this.#ending.set(reason, error)
    this.move('closed')
    this.stopTaking()
    this.connection.destroy()
  }

  /** Closes the connection because of a bug in this package, and reports it. Unsent answers are discarded. */
  failInternally(thrown: unknown): void {
    if (this.#state === 'closed') return
    const error = new InternalError(thrown)
    this.discardAnswers()
    this.#ending.set('internal-error', error)
    this.terminate('internal-error', error)
    this.#context.handlers.error(error, this.self)
  }

  onError(error: NodeJS.ErrnoException): void {
    const { reason } = this.#ending
    if (reason !== undefined && !(reason === 'draining' && this.owesAnswers)) return
    this.#ending.set(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'peer-reset' : 'socket-error', error)
  }

  onClose(): void {
    const { counters, handlers } = this.#context
    const inHandshake = this.#state === 'opening' && this.#admission === 'none'
    if (inHandshake && this.#ending.reason === undefined && this.connection.bytesRead > 0) {
      this.#ending.set('handshake-error', new Error('the connection ended in the middle of the handshake'))
    }
    const { reason = 'peer-closed', error } = this.#ending
    this.move('closed')
    counters.connectionsClosed[reason] += 1
    this.abandon(() => this.#ending.abortReason)
    this.#abort?.abort(this.#ending.abortReason)
    this.#context.onClosed(this.self)
    handlers.close(this.self, reason, error)
  }

  /** Whether the proxy's header, TLS or `onOpen` is not done. */
  protected get opening(): boolean {
    return this.#state === 'opening'
  }

  /** Whether an asynchronous `onOpen` has not settled. */
  protected get admitting(): boolean {
    return this.#admission === 'pending'
  }

  /** @returns whether the event changed the state */
  protected move(event: SessionEvent): boolean {
    const next = nextState(this.#state, event)
    if (next === undefined) return false
    this.#state = next
    this.takesRequests = next === 'open' || next === 'finishing'
    return true
  }

  /** Sets the reason of an orderly close. */
  protected setReason(reason: CloseReason): void {
    this.#ending.set(reason)
  }

  /** Stops taking requests. Those that were taken are answered, then the connection is closed. */
  protected stop(reason: CloseReason, error?: Error): void {
    if (!this.move('stopped')) return
    this.#ending.set(reason, error)
    this.stopTaking()
  }

  /** Ends the stream after an error in it. Earlier requests are answered. */
  protected fail(reason: CloseReason, error: Error): void {
    this.move('stopped')
    this.#ending.set(reason, error)
    this.stopTaking()
  }

  /** Ends a session that is still opening. */
  protected endOpening(reason: CloseReason): void {
    if (this.#admission === 'pending') this.#admit(reason)
    else this.terminate(reason)
  }

  /** Ends a session whose handshake or `onOpen` took longer than a limit, in milliseconds. */
  protected expireOpening(reason: CloseReason, limit: number): void {
    if (this.#admission !== 'pending') {
      this.terminate(reason)
      return
    }
    const error = new HandlerTimeoutError('onOpen', limit, 'the connection is closed')
    this.#admit(reason, error)
    this.#context.handlers.error(error, this.self)
  }

  /** Reports the error of a handler, unless the handler stopped because the connection was closed. */
  protected reportFailure(error: unknown): void {
    if (!this.#ending.causes(error)) this.#context.handlers.error(error, this.self)
  }

  /** Ends the wait for `onOpen`. @param refusal the reason to close the connection, if it is not admitted */
  #admit(refusal?: CloseReason, error?: Error): void {
    if (this.#admission !== 'pending') return
    this.#admission = 'settled'
    if (this.#state === 'closed') return
    this.move('opened')
    this.connection.open()
    this.admitted()
    if (refusal !== undefined) this.stop(refusal, error)
  }

  #refuse(error: unknown): void {
    // A rejection after the limit was reported is not reported again.
    const expired = this.#ending.error instanceof HandlerTimeoutError
    if (!expired) this.reportFailure(error)
    this.#admit('handler-closed')
  }
}
