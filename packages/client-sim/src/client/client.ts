import type { ClientError } from '../common/client-error.ts'
import type { Payload } from '../common/payload.ts'

/** Options of `client.submit`. */
export interface SubmitOptions {
  /** Rejects the request with the signal's reason. If it was sent already the server may still handle it. */
  readonly signal?: AbortSignal | undefined
  /**
   * The time limit of this request in milliseconds; 0 is no limit.
   *
   * @default the client's `timeout`
   */
  readonly timeout?: number | undefined
  /** Called when the request was sent, with its ID and the length of its frame in bytes. If it throws, the request rejects. */
  readonly onSent?: ((id: string, frameLength: number) => void) | undefined
}

/** Options of `client.close`. */
export interface CloseOptions {
  /**
   * How long to wait for the answers, in milliseconds; 0 is no limit. Then the remaining requests reject with
   * `ERR_CLIENT_DESTROYED`. With several calls the earliest limit counts.
   *
   * @default 0
   */
  readonly timeout?: number | undefined
}

/** One connection to a server, with many requests in flight at the same time. */
export interface Client {
  /** Whether it accepts requests. */
  readonly alive: boolean
  /** Requests sent and not answered. */
  readonly inFlight: number
  /** Requests that are not sent yet. */
  readonly queued: number
  /** Resolves when the connection is closed: with the error that ended it, or with undefined after an orderly end. */
  readonly closed: Promise<ClientError | undefined>

  /**
   * Sends a Submit. All requests of one turn of the event loop leave in one write. The payload is not copied: it is read
   * when the window has room. Do not write into it before. If it is detached or resized before, the request rejects
   * with `ERR_CLIENT_PAYLOAD`.
   *
   * @returns the result: 0 success, any other failure
   * @throws ClientError `ERR_CLIENT_CLOSED`, `ERR_CLIENT_DESTROYED`, `ERR_CLIENT_QUEUE_FULL`, `ERR_CLIENT_PAYLOAD`,
   *   `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_SILENT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_CERTIFICATE`,
   *   `ERR_CLIENT_PROTOCOL`
   * @throws TypeError `ERR_INVALID_ARG_TYPE` when the payload is not bytes
   */
  submit(payload: Payload, options?: SubmitOptions): Promise<number>

  /**
   * Waits until `submit` accepts a request. Several callers go on in order, as many as there is room for.
   *
   * @param size the length of the payload in bytes
   * @throws ClientError when the client is closed, or its connection is lost
   * @throws RangeError when the size is invalid
   */
  ready(size?: number): Promise<void>

  /**
   * Accepts no further requests, waits until all are answered or timed out, and ends the connection. If the server does
   * not end its side within the client's `timeout` the connection is destroyed.
   *
   * @throws RangeError when the timeout is invalid
   */
  close(options?: CloseOptions): Promise<void>

  /**
   * Destroys the connection. All pending requests reject with `ERR_CLIENT_DESTROYED`.
   *
   * @param reason the `cause` of these errors
   */
  destroy(reason?: Error): void

  [Symbol.asyncDispose](): Promise<void>
}
