import type { Session } from './session.ts'

/** What a handler can read about its request, beside the message. Each part is made when it is first read. */
export interface RequestContext<Data = unknown, S extends Session<Data> = Session<Data>> {
  /** The session that the request came on. */
  readonly session: S
  /** The request's ID; `''` where the message has no `id`. */
  readonly id: string
  /**
   * The signal of this request. Until its handler has settled, it aborts when the request overran its time
   * (`ERR_SERVER_HANDLER_TIMEOUT`) or its connection was closed (`ERR_SERVER_CONNECTION_CLOSED`), also by the deadline of a
   * drain. Other requests are not affected. After the handler has settled it does not abort: use `session.signal` for work
   * that goes on after the answer. If it is first read after the request overran or the connection was closed, it is
   * aborted already.
   */
  readonly signal: AbortSignal
  /**
   * When the handler has to have settled, in milliseconds of `performance.now()`; Infinity without a limit. It is the end
   * of `handlerTimeout`, and for a required Conn the end of `handshakeTimeout` if that is earlier.
   */
  readonly deadline: number
  /** When the read that brought the last bytes of the request was done, in milliseconds of `performance.now()`. */
  readonly receivedAt: number
}
