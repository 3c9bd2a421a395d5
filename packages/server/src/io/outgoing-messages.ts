import type { FrameFormat } from '@demo/frame'
import { WriteBufferFullError } from '../api/server-errors.ts'
import type { MessageOutbound } from './message-outbound.ts'

/** The queue of one session's messages that are not replies. It also knows whether the peer keeps up with them. */
export class OutgoingMessages {
  readonly #outbound: MessageOutbound
  readonly #frames: FrameFormat
  readonly #maxWriteBuffer: number
  #payloads: Uint8Array[] = []
  /** The length of their frames, in bytes. */
  #length = 0
  #whenDrained: (() => void)[] = []

  constructor(outbound: MessageOutbound, frames: FrameFormat, maxWriteBuffer: number) {
    this.#outbound = outbound
    this.#frames = frames
    this.#maxWriteBuffer = maxWriteBuffer
  }

  get count(): number {
    return this.#payloads.length
  }

  /** Whether the peer reads what it is sent, or will soon. */
  get keepsUp(): boolean {
    return !this.#outbound.blocked && this.#unsentBytes < this.#maxWriteBuffer / 2
  }

  /**
   * @param payload is copied: the codec may reuse its bytes
   * @throws WriteBufferFullError
   */
  add(payload: Uint8Array): void {
    const length = this.#frames.encodedLength(payload.length)
    const unsent = this.#unsentBytes + length
    if (unsent > this.#maxWriteBuffer) throw new WriteBufferFullError(length, unsent, this.#maxWriteBuffer)
    this.#payloads.push(Buffer.from(payload))
    this.#length += length
  }

  putAll(): void {
    for (const payload of this.#payloads) this.#outbound.put(payload)
    this.#clear()
  }

  putUntilBlocked(): void {
    let count = 0
    for (const payload of this.#payloads) {
      if (this.#outbound.blocked) break
      count += 1
      this.#length -= this.#frames.encodedLength(payload.length)
      this.#outbound.put(payload)
    }
    if (count > 0) this.#payloads.splice(0, count)
  }

  /** Resolves when the peer keeps up, or when the messages are discarded. */
  drained(): Promise<void> {
    if (this.keepsUp) return Promise.resolve()
    return new Promise((resolve) => this.#whenDrained.push(resolve))
  }

  /** Resolves the promises of {@link drained} if the peer keeps up. */
  checkDrained(): void {
    if (this.#whenDrained.length > 0 && this.keepsUp) this.#resolveDrained()
  }

  /** Discards the messages: the connection is closed. */
  discard(): void {
    this.#clear()
    this.#resolveDrained()
  }

  get #unsentBytes(): number {
    return this.#length + this.#outbound.unsentBytes
  }

  #clear(): void {
    this.#payloads = []
    this.#length = 0
  }

  #resolveDrained(): void {
    for (const resolve of this.#whenDrained.splice(0)) resolve()
  }
}
