/**
 * Where answers are put together: one for all sessions of a server. A session fills and flushes it within one turn of
 * the event loop, so no two ever share it.
 */
export class WriteBuffer {
  readonly #allocate: () => Buffer
  #bytes: Buffer
  #filled: Buffer | undefined
  /** How many bytes are filled. */
  length = 0

  /** @param allocate makes the bytes, all of one length each time */
  constructor(allocate: () => Buffer) {
    this.#allocate = allocate
    this.#bytes = allocate()
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** The filled bytes. The same view again where the length is the same: a lone ack costs no new one. */
  filled(): Buffer {
    if (this.#filled?.length !== this.length) this.#filled = this.#bytes.subarray(0, this.length)
    return this.#filled
  }

  /** The bytes belong to a write that is still going on: continues with others. */
  detach(): void {
    this.#bytes = this.#allocate()
    this.#filled = undefined
  }
}
