import type { FrameFormat } from '@demo/frame'
import type { MessageOutbound } from './message-outbound.ts'

/** Messages of one session that nobody asked for, and that are not put down yet. */
export class OutgoingMessages {
  readonly #outbound: MessageOutbound
  readonly #frames: FrameFormat
  #payloads: Uint8Array[] = []
  /** The length of their frames, in bytes. */
  length = 0

  constructor(outbound: MessageOutbound, frames: FrameFormat) {
    this.#outbound = outbound
    this.#frames = frames
  }

  get count(): number {
    return this.#payloads.length
  }

  /**
   * @param payload is copied: the codec may use its bytes again
   * @param length the length of its frame, in bytes
   */
  add(payload: Uint8Array, length: number): void {
    this.#payloads.push(Buffer.from(payload))
    this.length += length
  }

  putAll(): void {
    for (const payload of this.#payloads) this.#outbound.put(payload)
    this.clear()
  }

  putUntilBlocked(): void {
    let count = 0
    for (const payload of this.#payloads) {
      if (this.#outbound.blocked) break
      count += 1
      this.length -= this.#frames.encodedLength(payload.length)
      this.#outbound.put(payload)
    }
    if (count > 0) this.#payloads.splice(0, count)
  }

  clear(): void {
    this.#payloads = []
    this.length = 0
  }
}
