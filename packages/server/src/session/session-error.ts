/**
 * What can go wrong with a session or one of its requests. Match these, never the message:
 *
 * - `ERR_HANDLER_TIMEOUT`: a handler did not settle within `handlerTimeout`, or a Conn's within `handshakeTimeout`. Its
 *   request was answered with a failure; the reason of its aborted `signal`.
 * - `ERR_SESSION_CLOSED`: the connection is gone, or takes no more messages. The reason of an aborted `signal`, and what
 *   `session.send()` throws.
 * - `ERR_SESSION_WRITE_BUFFER_FULL`: `session.send()` would exceed `maxWriteBuffer`. The message was not sent.
 * - `ERR_CODEC_FAILED`: a user's codec threw something else than a `ProtocolError`, or encoded to something else than
 *   bytes; see `cause`.
 * - `ERR_INTERNAL`: a bug of this library; see `cause`.
 */
export type SessionErrorCode =
  | 'ERR_HANDLER_TIMEOUT'
  | 'ERR_SESSION_CLOSED'
  | 'ERR_SESSION_WRITE_BUFFER_FULL'
  | 'ERR_CODEC_FAILED'
  | 'ERR_INTERNAL'

/** An error of a session or of one of its requests. */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * A peer broke a user's protocol: what `codec.decode` throws for a message that is malformed. The connection is closed as
 * `packet-error`, after the answers to what came before.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code = 'ERR_PROTOCOL'
}
