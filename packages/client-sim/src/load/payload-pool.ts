import type { BytesLike } from '@demo/packet'
import { encodeSubmit } from './encode-submit.ts'

/** Payloads that load connections send in turn, again and again. They are kept once, as frames, for any number of connections. */
export class PayloadPool {
  /** The frames, one after the other, complete but for their IDs. */
  readonly bytes: ReturnType<typeof Buffer.concat>
  /** Where each frame begins in {@link bytes}, and where the last one ends. */
  readonly offsets: ReturnType<typeof Float64Array.of>
  /** How many payloads there are. */
  readonly size: number

  /**
   * @throws RangeError when there is no payload
   * @throws TypeError `ERR_PACKET_NOT_BYTES` when one of them is text, or anything else that is not bytes
   */
  constructor(payloads: Iterable<BytesLike>) {
    const frames = Array.from(payloads, (payload) => encodeSubmit(payload))
    if (frames.length === 0) throw new RangeError('invalid payloads: expected at least one')
    this.bytes = Buffer.concat(frames)
    this.size = frames.length
    this.offsets = new Float64Array(frames.length + 1)
    let offset = 0
    for (const [i, frame] of frames.entries()) {
      offset += frame.length
      this.offsets[i + 1] = offset
    }
  }
}
