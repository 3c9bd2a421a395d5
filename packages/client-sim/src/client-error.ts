import type { Dialect } from '@demo/packet'

/**
 * What went wrong with a connection or a request. Match these, never the message:
 *
 * - `ERR_CLIENT_CONNECT`: the connection could not be made; `cause` has the system's error.
 * - `ERR_CLIENT_UNAUTHORIZED`: the server refused the credentials.
 * - `ERR_CLIENT_CLOSED`: the request was not sent: the client had been closed before.
 * - `ERR_CLIENT_TIMEOUT`: no answer came in time.
 * - `ERR_CLIENT_CONNECTION_LOST`: the connection ended before the answer came.
 * - `ERR_CLIENT_PROTOCOL`: the server broke the protocol; `cause` has a `FrameError` or a `PacketError`. Where `dialect`
 *   is set, that is the one it answers in.
 */
export type ClientErrorCode =
  | 'ERR_CLIENT_CONNECT'
  | 'ERR_CLIENT_UNAUTHORIZED'
  | 'ERR_CLIENT_CLOSED'
  | 'ERR_CLIENT_TIMEOUT'
  | 'ERR_CLIENT_CONNECTION_LOST'
  | 'ERR_CLIENT_PROTOCOL'

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
