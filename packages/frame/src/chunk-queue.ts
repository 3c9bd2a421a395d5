/** Chunks that were pushed before the current one was used up. */
export class ChunkQueue {
  #chunks: Uint8Array[] = []
  /** The index of the next chunk: removing each from the front would take quadratic time. */
  #next = 0

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
  }

  /** Removes the next chunk; undefined if there is none. */
  shift(): Uint8Array | undefined {
    const chunk = this.#chunks[this.#next]
    this.#next += 1
    return chunk
  }

  /** Replaces each chunk by a copy. */
  detach(): void {
    this.#chunks = this.#chunks.slice(this.#next).map((chunk) => copyOf(chunk, 0))
    this.#next = 0
  }
}

/** A copy of a chunk from `start` on. The `slice` of a Buffer would be a view. */
export function copyOf(chunk: Uint8Array, start: number): Uint8Array {
  return Uint8Array.prototype.slice.call(chunk, start)
}
