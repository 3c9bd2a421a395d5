import type { EngineConnection, FrameBatch } from '@demo/engine'
import { type BytesLike, CommandId, type PacketCodec } from '@demo/packet'
import { asClientError, type ClientError } from '../common/client-error.ts'
import { connectionLost } from '../connection/connection-lost.ts'
import type { DueTimes } from './answered-run.ts'
import { encodeSubmit } from './encode-submit.ts'
import { LoadConnection, type LoadListener } from './load-connection.ts'
import { PayloadPool } from './payload-pool.ts'
import { type SubmitBatch, UniformBatch, VariedBatch } from './submit-batch.ts'

/** The longest frame of which the engine makes a run by itself, in bytes. */
const LONGEST_FRAME_OF_RUN = 16 * 1024

/** The most that is sent at once, in bytes, so that little is copied when the server reads nothing. */
const BYTES_AT_ONCE = 64 * 1024

/** What an {@link EngineLoadConnection} sends: one frame again and again, or what a batch is filled with. */
export type EngineLoad = { readonly frame: Uint8Array } | { readonly batch: SubmitBatch }

/** What to send for a payload. @throws TypeError `ERR_PACKET_NOT_BYTES` */
export function engineLoad(
  payload: BytesLike | PayloadPool,
  window: number,
  firstPayload: number | undefined,
): EngineLoad {
  if (payload instanceof PayloadPool) return { batch: new VariedBatch(payload, firstPayload) }
  const frame = encodeSubmit(payload)
  return frame.length <= LONGEST_FRAME_OF_RUN ? { frame } : { batch: new UniformBatch(payload, window) }
}

/**
 * A {@link LoadConnection} on the native engine: a run of requests is one call that writes their IDs natively, and the
 * answers of one read come as serial numbers and results.
 */
export class EngineLoadConnection extends LoadConnection {
  readonly #connection: EngineConnection
  readonly #load: EngineLoad
  /** What was sent waits in the engine. */
  #full = false

  constructor(
    connection: EngineConnection,
    codec: PacketCodec,
    load: EngineLoad,
    window: number,
    listener: LoadListener,
  ) {
    super({ codec, lastSerial: 0, window }, listener)
    this.#connection = connection
    this.#load = load
    connection.attach({
      onBytes: (bytes) => this.receive(bytes),
      onAnswers: (batch) => this.#receiveAnswers(batch),
      onWritable: () => this.#written(),
      onEnd: () => this.serverEnded(),
      onError: (cause) => this.fail(this.lostError('', cause)),
      onClose: () => this.closed(),
    })
    const [answer = 0] = codec.encode({ command: CommandId.SubmitAck, id: '00000000', result: 0 })
    connection.cutAnswers(answer)
    connection.open()
  }

  protected get busy(): boolean {
    return this.#full || this.#connection.destroyed
  }

  protected sendSome(most: number, due: DueTimes | undefined): number {
    const { slots } = this
    const load = this.#load
    const now = performance.now()
    const note =
      due === undefined
        ? (serial: number) => slots.add(serial, now)
        : (serial: number) => slots.addDue(serial, now, due())
    if ('batch' in load) {
      const count = load.batch.fits(most)
      this.#full = !this.#connection.write(load.batch.fill(count, this.ids, note))
      return count
    }
    const count = Math.min(most, Math.max(1, Math.floor(BYTES_AT_ONCE / load.frame.length)))
    let first = this.ids.nextSerial()
    let length = 1
    note(first)
    for (let sent = 1; sent < count; sent++) {
      const serial = this.ids.nextSerial()
      note(serial)
      if (serial === first + length) length += 1
      else {
        // After the last serial number comes the first.
        this.#connection.sendRequests(load.frame, first, length)
        first = serial
        length = 1
      }
    }
    this.#full = !this.#connection.sendRequests(load.frame, first, length)
    return count
  }

  end(): void {
    this.ended = true
    this.#connection.end()
  }

  destroy(): void {
    this.#connection.destroy()
  }

  protected lostError(unfinished: string, cause?: Error): ClientError {
    return connectionLost({ cause, hasReceived: this.hasReceived, unfinished, sent: true })
  }

  #receiveAnswers(batch: FrameBatch): void {
    const { index, first, count, bytes, cutEnd, end } = batch
    this.beginRead()
    try {
      for (let at = first; at < first + 2 * count; at += 2) {
        this.answeredBy(CommandId.SubmitAck, index[at] as number, index[at + 1] as number)
      }
    } catch (error) {
      this.fail(asClientError(error))
    }
    if (batch.stopped) {
      // Something else than an ack came: the reader finds out what is wrong with it.
      this.#connection.cutFrames(undefined)
      this.readAcks(bytes.subarray(cutEnd, end))
    }
    this.endRead()
  }

  #written(): void {
    this.#full = false
    this.reportRoom()
  }
}
