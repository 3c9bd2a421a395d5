import type { Dialect } from '@demo/packet'

/**
 * What went wrong with a connection or a request. Match these, never the message:
 *
 * - `ERR_CLIENT_CONNECT`: the connection could not be made; `cause` has the system's error.
 * - `ERR_CLIENT_CERTIFICATE`: the server requires a client certificate, or refused the one it was shown.
 * - `ERR_CLIENT_UNAUTHORIZED`: the server refused the credentials.
 * - `ERR_CLIENT_CLOSED`: the request was not sent: the client had been closed before.
 * - `ERR_CLIENT_DESTROYED`: `destroy()` was called, or the time of `close()` was over; `cause` has the reason given.
 * - `ERR_CLIENT_QUEUE_FULL`: the request was not sent: too many wait already.
 * - `ERR_CLIENT_PAYLOAD`: the request was not sent: its payload is detached, was resized, or is too long.
 * - `ERR_CLIENT_TIMEOUT`: no answer came in time.
 * - `ERR_CLIENT_SILENT`: the server owed answers, and sent nothing for `silenceTimeout`.
 * - `ERR_CLIENT_CONNECTION_LOST`: the connection ended before the answer came.
 * - `ERR_CLIENT_PROTOCOL`: the server broke the protocol; `cause` has a `FrameError` or a `PacketError`. Where `dialect`
 *   is set, that is the one it answers in.
 * - `ERR_CLIENT_INTERNAL`: a fault of the client itself; `cause` has the error that was thrown. Please report it.
 */
export type ClientErrorCode =
  | 'ERR_CLIENT_CONNECT'
  | 'ERR_CLIENT_CERTIFICATE'
  | 'ERR_CLIENT_UNAUTHORIZED'
  | 'ERR_CLIENT_CLOSED'
  | 'ERR_CLIENT_DESTROYED'
  | 'ERR_CLIENT_QUEUE_FULL'
  | 'ERR_CLIENT_PAYLOAD'
  | 'ERR_CLIENT_TIMEOUT'
  | 'ERR_CLIENT_SILENT'
  | 'ERR_CLIENT_CONNECTION_LOST'
  | 'ERR_CLIENT_PROTOCOL'
  | 'ERR_CLIENT_INTERNAL'

/** Options of {@link ClientError}. */
export interface ClientErrorOptions {
  readonly cause?: unknown
  readonly sent?: boolean | undefined
  readonly dialect?: Dialect | undefined
}

/** A connection or a request that came to nothing. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode
  /**
   * Whether the request had been sent: if so nobody knows whether the server did it. It is never sent again unless you
   * do.
   */
  readonly sent: boolean
  /** The dialect that the server answers in, where that is what went wrong: the other one than ours. */
  readonly dialect: Dialect | undefined

  constructor(code: ClientErrorCode, message: string, { cause, sent = false, dialect }: ClientErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.sent = sent
    this.dialect = dialect
  }
}

/** The same error for a request that had been sent. */
export function asSent({ code, message, cause, dialect }: ClientError, more = ''): ClientError {
  return new ClientError(code, message + more, { cause, sent: true, dialect })
}

/** What was thrown where only the server could be at fault: if that is not a ClientError, the fault is ours. */
export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error
  const message = `a fault in the client: ${error instanceof Error ? error.message : String(error)}`
  return new ClientError('ERR_CLIENT_INTERNAL', message, { cause: error })
}
