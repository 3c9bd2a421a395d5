import type { ConnView, SubmitView } from '@demo/packet'
import type { CloseReason } from '../api/close-reason.ts'
import type { RequestContext } from '../api/request-context.ts'
import type { HandlerOutcome } from '../api/result.ts'
import type { Session } from '../api/session.ts'

/** Handlers of the events of a session, for any protocol. A failure of one affects no other connection. */
export interface SessionHandlers<S> {
  /**
   * A connection was accepted. Set `session.data` here, and decide whether to admit it. Nothing is read before `onOpen` has
   * settled. An asynchronous one counts under `handshakeTimeout`. If it throws or rejects, the session is closed as
   * `handler-closed`.
   */
  onOpen?(session: S): void | Promise<void>

  /** A connection is closed. Called once for each, including those closed at once as too many. */
  onClose?(session: S, reason: CloseReason, error: Error | undefined): void | Promise<void>

  /** Called every `tickInterval` while the session is open, for example to send pings. */
  onTick?(session: S): void | Promise<void>

  /**
   * A handler threw, rejected, overran its time, or returned an invalid answer: its request is answered with a failure. Or
   * this package (`ERR_SERVER_INTERNAL`) or a codec (`ERR_SERVER_CODEC`) has a bug: the session is closed as
   * `internal-error`.
   *
   * @default a process warning for the first error, and for each bug of this package
   */
  onError?(error: unknown, session: S): void | Promise<void>
}

/** The handlers of a server of Conn and Submit. */
export interface Handlers<Data = unknown> extends SessionHandlers<Session<Data>> {
  /**
   * A Conn was received. Result 0 makes the session authenticated. Result 1 is answered, and the session is closed as
   * `unauthorized`. Nothing else of this connection is handled before the answer is known.
   */
  onConn?(conn: ConnView, context: RequestContext<Data>): HandlerOutcome

  /**
   * A Submit was received. It is answered once, with the result that is returned. The view is cheap until `id` or `payload`
   * is read. It keeps its whole chunk in memory (up to 64 KiB): keep `submit.copy()` of a packet that lives long. No context
   * is made for a handler that declares no second parameter.
   */
  onSubmit(submit: SubmitView, context: RequestContext<Data>): HandlerOutcome
}
