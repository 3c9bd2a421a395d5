/** No bytes. */
export const NOTHING: Uint8Array = new Uint8Array(0)

/** A cut frame up to this length gets its whole buffer at once. The buffer of a longer one grows with the bytes that come. */
const FULL_BUFFER_LENGTH = 4096

/** A frame that is cut by the edge of a chunk, as far as it has come. Its memory follows those bytes, not its length. */
export class CutFrame {
  /** The bytes that have come; the buffer may be longer. */
  bytes = NOTHING
  /** How many bytes have come. */
  length = 0
  /** How many bytes to collect: first the header, then the whole frame. */
  goal: number

  constructor(headerLength: number) {
    this.goal = headerLength
  }

  /**
   * Copies bytes of a chunk from `at` on, up to the goal.
   *
   * @returns how many
   */
  take(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.goal - this.length, chunk.length - at)
    const length = this.length + count
    if (length > this.bytes.length) {
      // Twice what has come of a long frame: so copying stays linear in its length.
      const buffer = new Uint8Array(Math.min(this.goal, Math.max(FULL_BUFFER_LENGTH, length * 2)))
      buffer.set(this.bytes.subarray(0, this.length))
      this.bytes = buffer
    }
    this.bytes.set(chunk.subarray(at, at + count), this.length)
    this.length = length
    return count
  }
}
