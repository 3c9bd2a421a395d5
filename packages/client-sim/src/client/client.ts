import { createPacketCodec } from '@demo/packet'
import type { ClientError } from '../common/client-error.ts'
import type { Payload } from '../common/payload.ts'
import { AckReader } from '../connection/ack-reader.ts'
import { authenticate, CONN_SERIAL, credentialBytes } from '../connection/authenticate.ts'
import { type Inlet, openSocket } from '../connection/open-socket.ts'
import { type ConnectOptions, limitsOf } from './client-options.ts'
import { TcpClient } from './tcp-client.ts'

/** Options of `client.submit`. */
export interface SubmitOptions {
  /** Rejects the request with the signal's reason; if it was sent already, the server may have done it. */
  readonly signal?: AbortSignal | undefined
  /** How long this request may take, in milliseconds; 0 is no limit. The client's `timeout` unless given. */
  readonly timeout?: number | undefined
  /** Called when the request is on its way, with its ID and the length of its frame in bytes. A throw rejects it. */
  readonly onSent?: ((id: string, frameLength: number) => void) | undefined
}

/** Options of `client.close`. */
export interface CloseOptions {
  /**
   * How long to wait for the answers, in milliseconds. Then what is left rejects with `ERR_CLIENT_DESTROYED`. 0 is no
   * limit. Of several calls the earliest end counts.
   *
   * @default 0
   */
  readonly timeout?: number | undefined
}

/** One connection to a server, with many requests on their way at the same time. */
export interface Client {
  /** Whether it takes requests. */
  readonly alive: boolean
  /** Requests sent and not answered. */
  readonly inFlight: number
  /** Requests that are not sent yet. */
  readonly queued: number
  /** Settles when the connection is gone: with the error that ended it, or with nothing after a good end. */
  readonly closed: Promise<ClientError | undefined>

  /**
   * Sends a Submit. What is submitted in one turn of the event loop leaves in one write. The payload is not copied: it
   * is read when the window has room. Until then do not write into it. If it is detached or resized meanwhile the
   * request rejects with `ERR_CLIENT_PAYLOAD`.
   *
   * @returns the result: 0 success, any other failure
   * @throws ClientError `ERR_CLIENT_CLOSED`, `ERR_CLIENT_DESTROYED`, `ERR_CLIENT_QUEUE_FULL`, `ERR_CLIENT_PAYLOAD`,
   *   `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_SILENT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_CERTIFICATE`,
   *   `ERR_CLIENT_PROTOCOL`
   * @throws TypeError `ERR_INVALID_ARG_TYPE` when the payload is no bytes
   */
  submit(payload: Payload, options?: SubmitOptions): Promise<number>

  /**
   * Waits until `submit` takes a request. Those who wait go on in order, as many as there is room for.
   *
   * @param size the length of the payload, in bytes; unless given, there is room for an empty one
   * @throws ClientError when the client is closed, or its connection is lost
   * @throws RangeError when the size is invalid
   */
  ready(size?: number): Promise<void>

  /**
   * Takes no more requests, waits until all are answered or timed out, and ends the connection. A server that does not
   * end its side within the client's `timeout` is left.
   *
   * @throws RangeError when the timeout is invalid
   */
  close(options?: CloseOptions): Promise<void>

  /**
   * Ends the connection now. Everything pending rejects with `ERR_CLIENT_DESTROYED`.
   *
   * @param reason the `cause` of these errors
   */
  destroy(reason?: Error): void

  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Connects to a server, and gets in if there are credentials.
 *
 * @example
 * const client = await connect({ port: 8888 })
 * const result = await client.submit(new TextEncoder().encode('hello'))
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_CERTIFICATE`; with credentials also
 *   `ERR_CLIENT_UNAUTHORIZED`, `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`
 * @throws RangeError when an option is invalid
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const limits = limitsOf(options)
  const { dialect, tls, signal } = options
  const { timeout } = limits
  const codec = createPacketCodec(dialect === undefined ? {} : { dialect })
  const credentials = options.credentials === undefined ? undefined : credentialBytes(options.credentials)
  const inlet: Inlet = { receive() {} }
  const reader = new AckReader(codec)
  const socket = await openSocket(options, { timeout, tls, inlet, signal })
  if (credentials !== undefined) await authenticate({ socket, inlet, codec, reader, credentials, timeout, signal })
  return new TcpClient(socket, inlet, reader, limits, credentials === undefined ? 0 : CONN_SERIAL)
}
