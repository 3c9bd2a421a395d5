import { writeFrameHeader } from '@demo/frame'
import { CommandId, writePacketId } from '@demo/packet'
import { COMMAND_LENGTH, FRAME_OVERHEAD, ID_LENGTH } from '../common/submit-frame.ts'
import type { Request } from './request.ts'
import { noMemory } from './request-errors.ts'

/** Frames of Submits, one after the other, in one buffer. */
export class RequestFrames {
  readonly bytes: Buffer
  readonly #view: DataView
  #at = 0

  /** A buffer for the frames of these requests. Without memory for it they fail, and undefined is returned. */
  static of(requests: readonly Request[]): RequestFrames | undefined {
    let length = 0
    for (const { size } of requests) length += size + FRAME_OVERHEAD
    try {
      return new RequestFrames(length)
    } catch (error) {
      for (const request of requests) request.fail(noMemory(length, error))
      return undefined
    }
  }

  private constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length)
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, length)
  }

  add(serial: number, payload: Uint8Array): void {
    const { bytes } = this
    const command = writeFrameHeader(bytes, this.#at, COMMAND_LENGTH + ID_LENGTH + payload.length)
    bytes[command] = CommandId.Submit
    const body = writePacketId(serial, this.#view, command + COMMAND_LENGTH)
    bytes.set(payload, body)
    this.#at = body + payload.length
  }
}
