import { setMaxListeners } from 'node:events'
import type { RequestContext } from '../api/request-context.ts'
import type { Session } from '../api/session.ts'

/** When requests were received, and the deadline of their handlers: one object for all that are taken together. */
export interface RequestTimes {
  readonly receivedAt: number
  readonly deadline: number
}

interface Closable {
  /** Why the connection is closed; undefined while it is open. */
  readonly closedError: Error | undefined
}

/** The only class of contexts, so that all have one shape. Its signal is made when it is read. */
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

  /** Replaces the message by its copy. */
  keep(message: unknown): void {
    this.#message = message
  }

  abort(reason: Error): void {
    this.#abortedBy = reason
    this.#controller?.abort(reason)
  }
}

/** Makes an abort controller whose signal may have any number of listeners. By default Node warns of a leak at eleven. */
export function createSharedAbortController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
