import type { Dialect } from '@demo/packet'

/**
 * What went wrong with a connection or a request. Match these codes, never the message:
 *
 * - `ERR_CLIENT_CONNECT`: the connection could not be made; `cause` has the system's error.
 * - `ERR_CLIENT_CERTIFICATE`: the server requires a client certificate, or refused the client's.
 * - `ERR_CLIENT_UNAUTHORIZED`: the server refused the credentials.
 * - `ERR_CLIENT_CLOSED`: the request was not sent: the client was closed already.
 * - `ERR_CLIENT_DESTROYED`: `destroy()` was called, or the time limit of `close()` passed; `cause` has the reason given to `destroy()`.
 * - `ERR_CLIENT_QUEUE_FULL`: the request was not sent: too many requests wait.
 * - `ERR_CLIENT_PAYLOAD`: the request was not sent: its payload is detached, resized or too long.
 * - `ERR_CLIENT_TIMEOUT`: no answer came in time.
 * - `ERR_CLIENT_SILENT`: requests were in flight, and the server sent nothing for `silenceTimeout`.
 * - `ERR_CLIENT_CONNECTION_LOST`: the connection ended before the answer came.
 * - `ERR_CLIENT_PROTOCOL`: the server broke the protocol; `cause` has a `FrameError` or a `PacketError`. Where `dialect`
 *   is set, the server answers in that one.
 * - `ERR_CLIENT_ENGINE`: the native engine was asked for and can't be used; `cause` has the reason.
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
  | 'ERR_CLIENT_ENGINE'
  | 'ERR_CLIENT_INTERNAL'

/** Options of {@link ClientError}. */
export interface ClientErrorOptions {
  readonly cause?: unknown
  readonly sent?: boolean | undefined
  readonly dialect?: Dialect | undefined
}

/** A connection or a request that failed. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode
  /**
   * Whether the request was sent. If so it is unknown whether the server handled it. The client never sends a request
   * again.
   */
  readonly sent: boolean
  /** The dialect that the server answers in, where the error is that it is not the client's. */
  readonly dialect: Dialect | undefined

  constructor(code: ClientErrorCode, message: string, { cause, sent = false, dialect }: ClientErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.sent = sent
    this.dialect = dialect
  }
}

/** The same error for a request that was sent. */
export function asSent({ code, message, cause, dialect }: ClientError, addition = ''): ClientError {
  return new ClientError(code, message + addition, { cause, sent: true, dialect })
}

/** The error for what was thrown while responses were handled. Anything but a ClientError is a fault of the client. */
export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error
  const message = `a fault in the client: ${error instanceof Error ? error.message : String(error)}`
  return new ClientError('ERR_CLIENT_INTERNAL', message, { cause: error })
}
