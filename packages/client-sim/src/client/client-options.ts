import type { Dialect } from '@demo/packet'
import { checkTimeout } from '../common/check-options.ts'
import type { Payload } from '../common/payload.ts'
import type { ClientTls, ServerLocation } from '../connection/open-socket.ts'

/** Options of `connect`. Times in milliseconds, 0 is no limit; sizes in bytes of payload. */
export type ConnectOptions = ServerLocation & {
  /**
   * Which numbers the responses have on the wire.
   *
   * @default 'specification'
   */
  readonly dialect?: Dialect | undefined
  /**
   * Requests sent and not answered, at most; others wait in the client. A request that timed out or was aborted keeps
   * its place until its answer comes.
   *
   * @default 1000
   */
  readonly window?: number | undefined
  /**
   * The payloads of the requests sent and not answered, at most. A larger request is sent when nothing else is in
   * flight.
   *
   * @default 16777216 (16 MiB)
   */
  readonly windowBytes?: number | undefined
  /**
   * Requests that wait for the window, at most. Beyond it `submit` rejects with `ERR_CLIENT_QUEUE_FULL`. `Infinity` is
   * no limit.
   *
   * @default 100000
   */
  readonly maxQueue?: number | undefined
  /**
   * The payloads of the requests that wait for the window, at most. `Infinity` is no limit.
   *
   * @default 67108864 (64 MiB)
   */
  readonly maxQueueBytes?: number | undefined
  /**
   * The longest frame that the server takes: 13 bytes more than the payload. A longer one rejects with
   * `ERR_CLIENT_PAYLOAD` and is not sent. A server would end the connection, with all requests on it.
   *
   * @default 4294967295, the longest that can be written
   */
  readonly maxFrameLength?: number | undefined
  /**
   * How long connecting may take, and each request, its waiting in the client included.
   *
   * @default 5000
   */
  readonly timeout?: number | undefined
  /**
   * How long the server may send nothing while it owes answers. Then the connection is ended, with `ERR_CLIENT_SILENT`.
   * It must be longer than any request may take.
   *
   * @default 30000, or twice the `timeout` if that is longer; 0 when the `timeout` is 0
   */
  readonly silenceTimeout?: number | undefined
  /** Speaks TLS with the server; connecting is then over when the handshake is. */
  readonly tls?: ClientTls | undefined
  /** What the server wants to see before it lets us in, sent in a Conn: a bearer token as text, or any bytes. */
  readonly credentials?: string | Payload | undefined
  /** Gives up connecting, at whatever stage, and rejects with the signal's reason. It does nothing afterwards. */
  readonly signal?: AbortSignal | undefined
}

/** What a client holds to. */
export interface ClientLimits {
  readonly window: number
  readonly windowBytes: number
  readonly maxQueue: number
  readonly maxQueueBytes: number
  readonly maxFrameLength: number
  readonly timeout: number
  readonly silenceTimeout: number
}

const MEBIBYTE = 1024 * 1024
const MAX_FRAME_LENGTH = 2 ** 32 - 1
const MIN_FRAME_LENGTH = 13
const SILENCE_TIMEOUT = 30_000
const MAX_TIMEOUT = 2 ** 31 - 1

/** @throws RangeError when a limit is invalid */
export function limitsOf(options: ConnectOptions): ClientLimits {
  const { window = 1000, windowBytes = 16 * MEBIBYTE, timeout = 5000, maxFrameLength = MAX_FRAME_LENGTH } = options
  const { maxQueue = 100_000, maxQueueBytes = 64 * MEBIBYTE } = options
  if (!(Number.isInteger(window) && window > 0)) {
    throw new RangeError(`window is ${window}; it must be an integer above 0`)
  }
  checkSize('windowBytes', windowBytes, 1)
  checkSize('maxQueue', maxQueue, 0)
  checkSize('maxQueueBytes', maxQueueBytes, 0)
  if (!(Number.isInteger(maxFrameLength) && maxFrameLength >= MIN_FRAME_LENGTH && maxFrameLength <= MAX_FRAME_LENGTH)) {
    const range = `from ${MIN_FRAME_LENGTH} to ${MAX_FRAME_LENGTH}`
    throw new RangeError(`maxFrameLength is ${maxFrameLength}; it must be an integer ${range}`)
  }
  checkTimeout(timeout)
  const { silenceTimeout = defaultSilence(timeout) } = options
  checkTimeout(silenceTimeout, 'silenceTimeout')
  return { window, windowBytes, maxQueue, maxQueueBytes, maxFrameLength, timeout, silenceTimeout }
}

function checkSize(name: string, value: number, least: number): void {
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= least)) return
  throw new RangeError(`${name} is ${value}; it must be an integer from ${least}, or Infinity`)
}

function defaultSilence(timeout: number): number {
  return timeout === 0 ? 0 : Math.min(MAX_TIMEOUT, Math.max(SILENCE_TIMEOUT, 2 * timeout))
}
