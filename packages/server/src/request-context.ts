import { setMaxListeners } from 'node:events'
import type { ConnView, SubmitView } from '@demo/packet'
import type { Session } from './session.ts'

/** One request, as its handler sees it beside the packet. */
export interface RequestContext<Data = unknown> {
  /** The connection that the request came on. */
  readonly session: Session<Data>
  /** The packet's ID: eight characters. */
  readonly id: string
  /**
   * This request's own signal, made when it is first read. Until the handler has settled it aborts when the request
   * overran its time (`ERR_SERVER_HANDLER_TIMEOUT`) or its connection is closed (`ERR_SERVER_CONNECTION_CLOSED`), by the
   * deadline of a drain too. After the handler has settled it does not abort any more: use `session.signal` for work that
   * goes on after the answer. First read after the request overran, or the connection was closed, it is aborted already.
   */
  readonly signal: AbortSignal
  /**
   * By when the handler is to settle, in milliseconds on the clock of `performance.now()`; Infinity without a limit. It is
   * the end of `handlerTimeout`, and for a required Conn that of `handshakeTimeout`, if that comes first.
   */
  readonly deadline: number
  /** When the read that brought the last bytes of the request was done, on the clock of `performance.now()`. */
  readonly receivedAt: number
}

/** When requests were read, and by when their handlers are to settle: the same object for all taken together. */
export interface RequestTimes {
  readonly receivedAt: number
  readonly deadline: number
}

/** A session, as a request needs it. */
interface RequestSession<Data> extends Session<Data> {
  /** Why the connection is closed, or undefined while it is not. */
  readonly closedError: Error | undefined
}

/** The context of one request. All of them have one shape, and what is seldom asked for is made when it is. */
export class Request<Data> implements RequestContext<Data> {
  readonly #session: RequestSession<Data>
  readonly #times: RequestTimes
  #packet: ConnView | SubmitView
  #controller: AbortController | undefined
  #abortedBy: Error | undefined

  constructor(session: RequestSession<Data>, packet: ConnView | SubmitView, times: RequestTimes) {
    this.#session = session
    this.#packet = packet
    this.#times = times
  }

  get session(): Session<Data> {
    return this.#session
  }

  get id(): string {
    return this.#packet.id
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
      const reason = this.#abortedBy ?? this.#session.closedError
      if (reason !== undefined) this.#controller.abort(reason)
    }
    return this.#controller.signal
  }

  /** Takes the same packet on other bytes. */
  keep(packet: ConnView | SubmitView): void {
    this.#packet = packet
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
