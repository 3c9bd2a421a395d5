import { writeFrameHeader } from '@demo/frame'
import { CommandId, writePacketId } from '@demo/packet'
import type { Request } from './request.ts'
import { noMemory } from './request-errors.ts'

/** What a request has beside its payload: the command, and the eight digits of its ID. */
const COMMAND_LENGTH = 1
const ID_LENGTH = 8
const HEADER_LENGTH = 4

/** What a frame of a request is longer than its payload, in bytes. */
export const FRAME_OVERHEAD = HEADER_LENGTH + COMMAND_LENGTH + ID_LENGTH

/** Frames of Submits, one after the other, in one buffer that is long enough. */
export class RequestFrames {
  readonly bytes: Buffer
  readonly #view: DataView
  #at = 0

  /** Room for the frames of some requests. If there is no memory for it they fail, and nothing is returned. */
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
