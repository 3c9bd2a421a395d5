import { type BytesLike, bytesOf } from './bytes.ts'
import { DEFAULT_MAX_FRAME_LENGTH, type FrameDecoderOptions } from './frame-decoder.ts'
import { FrameError } from './frame-error.ts'
import type { FrameReader } from './frame-format.ts'

/** Where the frames of a format begin and end. */
export interface FrameLayout {
  /** The length of what precedes the payload, in bytes. */
  readonly headerLength: number
  /** The longest frame that the format can express, in bytes, header included. */
  readonly maxFrameLength: number
  /** The length of the frame whose whole header begins at `at`, in bytes, header included. */
  frameLengthAt(bytes: Uint8Array, at: number): number
}

/** A cut frame up to this length gets all of its room at once; a longer one grows with the bytes that really came. */
const ROOM_AT_ONCE = 4096

const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * Cuts a stream of bytes into the frames of a layout. A frame that lies whole in its chunk is never copied; one that is
 * cut by the edge of a chunk is copied, that frame only, and its memory follows the bytes that came.
 */
export class FormatDecoder implements FrameReader {
  readonly #layout: FrameLayout
  #maxFrameLength = 0
  /** Chunks that wait for their turn, and the index of the next: to shift them one by one would be quadratic. */
  #waiting: Uint8Array[] = []
  #waitingAt = 0
  #chunk = NOTHING
  /** Where the next frame begins in the chunk. */
  #at = 0
  /** Where the chunk begins in the stream. */
  #chunkOffset = 0
  /** The cut frame as far as it came, and how many bytes of it are wanted; 0: no frame is cut. */
  #gathered = NOTHING
  #gatheredLength = 0
  #wanted = 0
  #bytes = NOTHING
  #start = 0
  #end = 0
  #failure: FrameError | undefined

  /** @throws RangeError when `maxFrameLength` is invalid */
  constructor(layout: FrameLayout, { maxFrameLength }: FrameDecoderOptions = {}) {
    this.#layout = layout
    this.maxFrameLength = maxFrameLength ?? Math.min(DEFAULT_MAX_FRAME_LENGTH, layout.maxFrameLength)
  }

  get maxFrameLength(): number {
    return this.#maxFrameLength
  }

  set maxFrameLength(value: number) {
    const { headerLength } = this.#layout
    if (!Number.isInteger(value) || value < headerLength || value > 2 ** 32 - 1) {
      throw new RangeError(
        `invalid maxFrameLength ${String(value)}: expected an integer from ${headerLength} to 4294967295`,
      )
    }
    this.#maxFrameLength = value
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  get insideFrame(): boolean {
    return this.#wanted > 0 || this.#at < this.#chunk.length || this.#waiting.length > 0
  }

  push(chunk: BytesLike): void {
    if (this.#failure !== undefined) throw this.#failure
    const bytes = chunk instanceof Uint8Array && chunk.length > 0 ? chunk : bytesOf(chunk, 'chunk')
    if (this.#at < this.#chunk.length || this.#waiting.length > 0) this.#waiting.push(bytes)
    else this.#startChunk(bytes)
  }

  next(): boolean {
    if (this.#failure !== undefined) throw this.#failure
    do {
      if (this.#wanted === 0 ? this.#findWhole() : this.#gather()) return true
    } while (this.#nextChunk())
    return false
  }

  read(): Uint8Array | null {
    return this.next() ? this.#bytes.subarray(this.#start, this.#end) : null
  }

  detach(): void {
    if (this.#at < this.#chunk.length) {
      this.#chunk = Uint8Array.prototype.slice.call(this.#chunk, this.#at)
      this.#chunkOffset += this.#at
      this.#at = 0
    }
    this.#waiting = this.#waiting.slice(this.#waitingAt).map((chunk) => Uint8Array.prototype.slice.call(chunk))
    this.#waitingAt = 0
  }

  finish(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (!this.insideFrame) return
    const received = this.#gatheredLength + this.#chunk.length - this.#at
    throw this.#failed('ERR_FRAME_TRUNCATED', `the stream ended inside a frame, after ${received} of its bytes`)
  }

  /** Finds a frame where it lies in the chunk, or begins to gather one. */
  #findWhole(): boolean {
    const chunk = this.#chunk
    const at = this.#at
    const left = chunk.length - at
    const { headerLength } = this.#layout
    if (left >= headerLength) {
      const frameLength = this.#frameLengthAt(chunk, at)
      if (frameLength <= left) {
        this.#bytes = chunk
        this.#start = at + headerLength
        this.#end = this.#at = at + frameLength
        return true
      }
    }
    if (left === 0) return false
    this.#wanted = headerLength
    return this.#gather()
  }

  /** Puts a frame together from where it was cut. True: it is whole. */
  #gather(): boolean {
    const { headerLength } = this.#layout
    if (this.#gatheredLength < headerLength) {
      if (!this.#take(headerLength)) return false
      this.#wanted = this.#frameLengthAt(this.#gathered, 0)
    }
    if (!this.#take(this.#wanted)) return false
    this.#bytes = this.#gathered
    this.#start = headerLength
    this.#end = this.#wanted
    this.#gathered = NOTHING
    this.#gatheredLength = this.#wanted = 0
    return true
  }

  /** Moves bytes from the chunk to the gathered frame until there are `goal` of them. False: the chunk had too few. */
  #take(goal: number): boolean {
    const count = Math.min(goal - this.#gatheredLength, this.#chunk.length - this.#at)
    const length = this.#gatheredLength + count
    if (length > this.#gathered.length) {
      // All of a small frame, twice what came of a long one: so copying stays linear in its length.
      const room = new Uint8Array(Math.min(this.#wanted, Math.max(ROOM_AT_ONCE, length * 2)))
      room.set(this.#gathered.subarray(0, this.#gatheredLength))
      this.#gathered = room
    }
    this.#gathered.set(this.#chunk.subarray(this.#at, this.#at + count), this.#gatheredLength)
    this.#gatheredLength = length
    this.#at += count
    return length === goal
  }

  #startChunk(chunk: Uint8Array): void {
    this.#chunkOffset += this.#chunk.length
    this.#chunk = chunk
    this.#at = 0
  }

  #nextChunk(): boolean {
    this.#bytes = NOTHING
    this.#start = this.#end = 0
    const chunk = this.#waiting[this.#waitingAt]
    this.#startChunk(chunk ?? NOTHING)
    if (chunk !== undefined) {
      this.#waitingAt += 1
      return true
    }
    if (this.#waitingAt > 0) this.#waiting = []
    this.#waitingAt = 0
    return false
  }

  /** @throws FrameError when the header promises what may not be */
  #frameLengthAt(bytes: Uint8Array, at: number): number {
    const frameLength = this.#layout.frameLengthAt(bytes, at)
    if (frameLength < this.#layout.headerLength) {
      const promised = `a frame of ${frameLength} bytes, less than its header of ${this.#layout.headerLength}`
      throw this.#failed('ERR_FRAME_TOO_SHORT', `the header promises ${promised}`, frameLength)
    }
    if (frameLength > this.#maxFrameLength) {
      const promised = `a frame of ${frameLength} bytes, more than the maximum of ${this.#maxFrameLength}`
      throw this.#failed('ERR_FRAME_TOO_LONG', `the header promises ${promised}`, frameLength)
    }
    return frameLength
  }

  #failed(code: FrameError['code'], message: string, frameLength?: number): FrameError {
    const offset = this.#chunkOffset + this.#at - this.#gatheredLength
    const details = { frameLength, maxFrameLength: this.#maxFrameLength, offset }
    this.#failure = new FrameError(code, `${message} (at byte ${offset})`, details)
    return this.#failure
  }
}
