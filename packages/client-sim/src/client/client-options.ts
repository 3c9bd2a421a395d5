import type { Dialect } from '@demo/packet'
import { checkInteger, checkTimeout, invalidOption, MAX_TIMEOUT } from '../common/check-options.ts'
import type { Payload } from '../common/payload.ts'
import { FRAME_OVERHEAD } from '../common/submit-frame.ts'
import type { ClientTls } from '../connection/client-tls.ts'
import type { ServerLocation } from '../connection/server-location.ts'

/** Options of `connect`. Times in milliseconds, 0 is no limit; sizes in bytes of payload. */
export type ConnectOptions = ServerLocation & {
  /**
   * Which numbers the responses have on the wire.
   *
   * @default 'specification'
   */
  readonly dialect?: Dialect | undefined
  /**
   * The most requests in flight; others wait in the client. A request that timed out or was aborted after it was sent
   * counts until its answer comes.
   *
   * @default 1000
   */
  readonly window?: number | undefined
  /**
   * The most bytes of payload in flight. A larger request is sent when nothing else is in flight.
   *
   * @default 16777216 (16 MiB)
   */
  readonly windowBytes?: number | undefined
  /**
   * The most requests that wait for the window. Beyond it `submit` rejects with `ERR_CLIENT_QUEUE_FULL`. `Infinity` is
   * no limit.
   *
   * @default 100000
   */
  readonly maxQueue?: number | undefined
  /**
   * The most bytes of payload that wait for the window. `Infinity` is no limit.
   *
   * @default 67108864 (64 MiB)
   */
  readonly maxQueueBytes?: number | undefined
  /**
   * The longest frame that the server accepts: 13 bytes more than the payload. A longer request rejects with
   * `ERR_CLIENT_PAYLOAD` and is not sent. The server would end the connection, with all requests on it.
   *
   * @default 4294967295, the longest possible
   */
  readonly maxFrameLength?: number | undefined
  /**
   * The time limit for connecting, and for each request, from `submit` to its answer.
   *
   * @default 5000
   */
  readonly timeout?: number | undefined
  /**
   * How long the server may send nothing while requests are in flight. Then the connection is ended, with
   * `ERR_CLIENT_SILENT`. Set it above the longest time that a request may take.
   *
   * @default 30000, or twice the `timeout` if that is longer; 0 when the `timeout` is 0
   */
  readonly silenceTimeout?: number | undefined
  /** Speaks TLS with the server. `connect` resolves after the handshake. */
  readonly tls?: ClientTls | undefined
  /** Sent in a Conn before anything else: a bearer token as text, or any bytes. */
  readonly credentials?: string | Payload | undefined
  /** Aborts connecting, at any stage: `connect` rejects with the signal's reason. It has no effect afterwards. */
  readonly signal?: AbortSignal | undefined
}

/** The limits of a client, with the defaults filled in. */
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
const SILENCE_TIMEOUT = 30_000

/** @throws RangeError when a limit is invalid */
export function limitsOf(options: ConnectOptions): ClientLimits {
  const { window = 1000, windowBytes = 16 * MEBIBYTE, timeout = 5000, maxFrameLength = MAX_FRAME_LENGTH } = options
  const { maxQueue = 100_000, maxQueueBytes = 64 * MEBIBYTE } = options
  if (!(Number.isInteger(window) && window > 0)) throw invalidOption('window', window, 'an integer above 0')
  checkSize('windowBytes', windowBytes, 1)
  checkSize('maxQueue', maxQueue, 0)
  checkSize('maxQueueBytes', maxQueueBytes, 0)
  checkInteger('maxFrameLength', maxFrameLength, FRAME_OVERHEAD, MAX_FRAME_LENGTH)
  checkTimeout(timeout)
  const { silenceTimeout = defaultSilence(timeout) } = options
  checkTimeout(silenceTimeout, 'silenceTimeout')
  return { window, windowBytes, maxQueue, maxQueueBytes, maxFrameLength, timeout, silenceTimeout }
}

function checkSize(name: string, value: number, least: number): void {
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= least)) return
  throw invalidOption(name, value, `an integer from ${least}, or Infinity`)
}

function defaultSilence(timeout: number): number {
  return timeout === 0 ? 0 : Math.min(MAX_TIMEOUT, Math.max(SILENCE_TIMEOUT, 2 * timeout))
}
