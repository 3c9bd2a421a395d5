import type { ConnView, SubmitView } from '@demo/packet'
import type { CloseReason } from '../api/close-reason.ts'
import type { RequestContext } from '../api/request-context.ts'
import type { HandlerOutcome } from '../api/result.ts'
import type { Session } from '../api/session.ts'

/** What happens to a session, whatever its protocol. None of these can harm another connection. */
export interface SessionHandlers<S> {
  /**
   * A connection was accepted; the place to set `session.data`, and to decide who gets in. Nothing is read before it has
   * settled; an asynchronous one counts under `handshakeTimeout`. If it throws or rejects, the session is closed as
   * `handler-closed`.
   */
  onOpen?(session: S): void | Promise<void>

  /** A connection is gone. Called once for each, also for one that was closed at once as too many. */
  onClose?(session: S, reason: CloseReason, error: Error | undefined): void | Promise<void>

  /** Called every `tickInterval` while the session is open: for pings, say. */
  onTick?(session: S): void | Promise<void>

  /**
   * A handler threw, rejected, overran its time, or returned what is no answer: its request is answered with a failure. Or
   * this package has a bug (`ERR_SERVER_INTERNAL`), or a codec (`ERR_SERVER_CODEC`): the session is closed as
   * `internal-error`.
   *
   * @default a process warning at the first one, and at each bug of this package
   */
  onError?(error: unknown, session: S): void | Promise<void>
}

/** What a server does: `onSubmit`, and what else happens to a session. */
export interface Handlers<Data = unknown> extends SessionHandlers<Session<Data>> {
  /**
   * A Conn came. Result 0 makes the session authenticated, any other answers 1 and closes it as `unauthorized`.
   * Nothing else of this connection is handled until the answer is known.
   */
  onConn?(conn: ConnView, context: RequestContext<Data>): HandlerOutcome

  /**
   * A Submit came. It is answered once, with what is returned. The view is cheap until `id` or `payload` is read, and
   * holds on to the chunk it came in (up to 64 KiB): keep `submit.copy()` of what must live long. A handler that declares
   * no second parameter has no context made for it.
   */
  onSubmit(submit: SubmitView, context: RequestContext<Data>): HandlerOutcome
}
