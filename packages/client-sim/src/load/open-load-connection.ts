import { type BytesLike, createPacketCodec, type Dialect } from '@demo/packet'
import { checkInteger, checkTimeout } from '../common/check-options.ts'
import type { ClientTls } from '../connection/client-tls.ts'
import type { EngineChoice } from '../connection/native-engine.ts'
import { openConnection } from '../connection/open-connection.ts'
import { openEngineConnection } from '../connection/open-engine-connection.ts'
import type { ServerLocation } from '../connection/server-location.ts'
import { chooseEngine } from './choose-engine.ts'
import { EngineLoadConnection, engineLoad } from './engine-load-connection.ts'
import type { LoadConnection, LoadListener } from './load-connection.ts'
import { PayloadPool } from './payload-pool.ts'
import { SocketLoadConnection } from './socket-load-connection.ts'
import { type SubmitBatch, UniformBatch, VariedBatch } from './submit-batch.ts'

/** Options of {@link openLoadConnection}. Times in milliseconds; 0 is no limit. */
export type LoadConnectionOptions = ServerLocation & {
  /** @default 'specification' */
  readonly dialect?: Dialect | undefined
  /** The most requests in flight. */
  readonly window: number
  /** The payload of all requests, or a pool whose payloads are sent in turn. */
  readonly payload: BytesLike | PayloadPool
  /**
   * The number of the pool's payload that is sent first, modulo the size of the pool.
   *
   * @default 0
   */
  readonly firstPayload?: number | undefined
  /**
   * The time limit for connecting, and then for the answer to the credentials.
   *
   * @default 5000
   */
  readonly timeout?: number | undefined
  /** Speaks TLS with the server. */
  readonly tls?: ClientTls | undefined
  /** Sent in a Conn before anything else: a bearer token as text, or any bytes. */
  readonly credentials?: string | BytesLike | undefined
  /**
   * What moves the bytes. `native`: the addon of `@demo/engine`, on Linux, without TLS and credentials. `node`: a socket of
   * Node. `auto`: the addon where it can be used, and a socket of Node elsewhere.
   *
   * @default 'auto'
   */
  readonly engine?: EngineChoice | undefined
  /** Aborts connecting, at any stage: the call rejects with the signal's reason. It has no effect afterwards. */
  readonly signal?: AbortSignal | undefined
}

/** Above this the memory for the slots is no longer small: 12 MiB for each connection. */
const MAX_WINDOW = 1_000_000

/**
 * Opens a connection for load.
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_CERTIFICATE`; with credentials also `ERR_CLIENT_UNAUTHORIZED`,
 *   `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`; with the engine `native` also
 *   `ERR_CLIENT_ENGINE`
 * @throws RangeError when an option is invalid
 * @throws TypeError `ERR_PACKET_NOT_BYTES` when the payload is not bytes; `ERR_INVALID_ARG_TYPE` when the credentials are not
 */
export async function openLoadConnection(
  options: LoadConnectionOptions,
  listener: LoadListener,
): Promise<LoadConnection> {
  const { window, timeout = 5000, payload, firstPayload, dialect, signal } = options
  checkInteger('window', window, 1, MAX_WINDOW)
  checkTimeout(timeout)
  const engine = await chooseEngine(options)
  if (engine === undefined) {
    const batch = batchOf(options)
    return new SocketLoadConnection(await openConnection(options, timeout), batch, window, listener)
  }
  const codec = createPacketCodec({ dialect })
  const load = engineLoad(payload, window, firstPayload)
  const connection = await openEngineConnection(engine, options, timeout, signal)
  return new EngineLoadConnection(connection, codec, load, window, listener)
}

function batchOf({ payload, window, firstPayload }: LoadConnectionOptions): SubmitBatch {
  return payload instanceof PayloadPool ? new VariedBatch(payload, firstPayload) : new UniformBatch(payload, window)
}
