import { setMaxListeners } from 'node:events'

/** What a handler can know of its request, beside the message. Nothing of it is made before it is read. */
export interface RequestContext<S> {
  /** The session that the request came on. */
  readonly session: S
  /** The request's ID; `''` where the protocol has none. */
  readonly id: string
  /**
   * Aborts while the request waits for its answer: when it overran `handlerTimeout`, when its connection is gone, and when
   * the deadline of a drain comes. The reason is a `SessionError`: `ERR_HANDLER_TIMEOUT` or `ERR_SESSION_CLOSED`. No other
   * request feels it. Once the request is answered it does not change any more.
   */
  readonly signal: AbortSignal
  /** When `handlerTimeout` is over, in milliseconds of `performance.now()`; Infinity without a limit. */
  readonly deadline: number
  /** When the read that brought the request began to be handled, in milliseconds of `performance.now()`. */
  readonly receivedAt: number
}

/** What has an ID, as the packets of this project have. */
interface Identified {
  readonly id: string
}

/** The one class of contexts: all of them look the same to the compiler. */
export class LazyRequestContext<S> implements RequestContext<S> {
  readonly session: S
  readonly receivedAt: number
  readonly #message: unknown
  readonly #handlerTimeout: number
  #controller: AbortController | undefined
  #abortedWith: Error | undefined

  constructor(session: S, message: unknown, receivedAt: number, handlerTimeout: number) {
    this.session = session
    this.receivedAt = receivedAt
    this.#message = message
    this.#handlerTimeout = handlerTimeout
  }

  get id(): string {
    const message = this.#message
    return typeof message === 'object' && message !== null && 'id' in message ? String((message as Identified).id) : ''
  }

  get deadline(): number {
    return this.receivedAt + this.#handlerTimeout
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      // Whatever a handler passes it to may listen: there is no leak to warn of.
      setMaxListeners(0, this.#controller.signal)
      if (this.#abortedWith !== undefined) this.#controller.abort(this.#abortedWith)
    }
    return this.#controller.signal
  }

  /** Aborts the request. Only the first reason counts. */
  abort(reason: Error): void {
    this.#abortedWith ??= reason
    this.#controller?.abort(this.#abortedWith)
  }
}
