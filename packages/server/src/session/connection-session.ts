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

/** The life of a session: its states, who lets it in, and how it ends. It knows nothing of frames. */
export abstract class ConnectionSession<S extends Session> {
  readonly id: number
  /** Whether it counts among the connections of its address. */
  counted = false

  /** Whether the state is one in which requests are taken. */
  protected takesRequests = false
  protected readonly connection: Connection
  protected readonly acceptedAt = performance.now()
  readonly #context: LifeContext<S>
  #state: SessionState = 'opening'
  /** What `onOpen` decides about. */
  #admission: 'none' | 'pending' | 'settled' = 'none'
  readonly #ending = new Ending()
  #abort: AbortController | undefined

  constructor(id: number, connection: Connection, context: LifeContext<S>) {
    this.id = id
    this.connection = connection
    this.#context = context
  }

  /** This, as its handlers see it. */
  protected abstract get self(): S
  /** Whether closing it now would lose an answer. */
  abstract get owesAnswers(): boolean
  /** No more requests are taken. */
  protected abstract stopTaking(): void
  /** Throws away answers that were put down and not sent. */
  protected abstract discardAnswers(): void
  /** The connection is gone. */
  protected abstract abandon(reason: () => Error): void
  /** `onOpen` has settled: from now on the connection is read and written. */
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

  /** What is wrong with using a session that is closed, or about to be. */
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

  /** Lets `onOpen` decide, then begins to read. */
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
   * Closes at once; what was not answered stays so. The reason is this one, unless there was one before that is not just
   * about a close in good order.
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

  /** We have a bug. What it left half done is thrown away, and only this connection suffers for it. */
  breakDown(thrown: unknown): void {
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

  /** Whether a proxy's header, TLS, or `onOpen` is not through. */
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

  /** The session ends in good order: says why. */
  protected ends(reason: CloseReason): void {
    this.#ending.set(reason)
  }

  /** Takes no more requests; those that were taken are answered, then the connection is closed. */
  protected stop(reason: CloseReason, error?: Error): void {
    if (!this.move('stopped')) return
    this.#ending.set(reason, error)
    this.stopTaking()
  }

  /** The stream can't go on. What was received before is answered. */
  protected fail(reason: CloseReason, error: Error): void {
    this.move('stopped')
    this.#ending.set(reason, error)
    this.stopTaking()
  }

  /** Ends a session that is still opening: it is not worth waiting for. */
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

  /** Reports what a handler failed with, unless it is only that it stopped because the connection was closed. */
  protected reportFailure(error: unknown): void {
    if (!this.#ending.causes(error)) this.#context.handlers.error(error, this.self)
  }

  /** `onOpen` has settled, or is not waited for any more. A refusal says as what the connection is closed. */
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
