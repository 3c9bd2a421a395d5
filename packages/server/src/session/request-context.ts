import { setMaxListeners } from 'node:events'
import type { Session } from './session.ts'

/** What a handler can know of its request, beside the message. Nothing of it is made before it is read. */
export interface RequestContext<Data = unknown, S extends Session<Data> = Session<Data>> {
  /** The session that the request came on. */
  readonly session: S
  /** The request's ID; `''` where the message has no `id`. */
  readonly id: string
  /**
   * This request's own signal. Until its handler has settled it aborts when the request overran its time
   * (`ERR_SERVER_HANDLER_TIMEOUT`) or its connection is closed (`ERR_SERVER_CONNECTION_CLOSED`), by the deadline of a drain
   * too. No other request feels it. After the handler has settled it does not abort any more: use `session.signal` for work
   * that goes on after the answer. First read after the request overran, or the connection was closed, it is aborted
   * already.
   */
  readonly signal: AbortSignal
  /**
   * By when the handler is to settle, in milliseconds of `performance.now()`; Infinity without a limit. It is the end of
   * `handlerTimeout`, and for a required Conn that of `handshakeTimeout`, if that comes first.
   */
  readonly deadline: number
  /** When the read that brought the last bytes of the request was done, in milliseconds of `performance.now()`. */
  readonly receivedAt: number
}

/** When requests were read, and by when their handlers are to settle: one object for all that are taken together. */
export interface RequestTimes {
  readonly receivedAt: number
  readonly deadline: number
}

/** Why a session's connection is closed, or undefined while it is not. */
interface Closable {
  readonly closedError: Error | undefined
}

/** The one class of contexts: all of them have one shape. */
export class LazyRequestContext<Data, S extends Session<Data>> implements RequestContext<Data, S> {
  readonly session: S
  readonly #closable: Closable
  readonly #times: RequestTimes
  #message: unknown
  #controller: AbortController | undefined
  #abortedBy: Error | undefined

  constructor(session: S & Closable, message: unknown, times: RequestTimes) {
    this.session = session
    this.#closable = session
    this.#message = message
    this.#times = times
  }

  get id(): string {
    const message = this.#message
    return typeof message === 'object' && message !== null && 'id' in message ? String(message.id) : ''
  }

  get deadline(): number {
    return this.#times.deadline
  }

  get receivedAt(): number {
    return this.#times.receivedAt
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = createSharedAbortController()
      const reason = this.#abortedBy ?? this.#closable.closedError
      if (reason !== undefined) this.#controller.abort(reason)
    }
    return this.#controller.signal
  }

  /** Takes the same message on other bytes. */
  keep(message: unknown): void {
    this.#message = message
  }

  abort(reason: Error): void {
    this.#abortedBy = reason
    this.#controller?.abort(reason)
  }
}

/** An abort controller whose signal may have any number of listeners: Node warns of a leak at eleven otherwise. */
export function createSharedAbortController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
