import { type BytesLike, bytesOf } from './bytes.ts'
import { ChunkQueue, copyOf } from './chunk-queue.ts'
import { CutFrame, NOTHING } from './cut-frame.ts'
import { checkMaxFrameLength, DEFAULT_MAX_FRAME_LENGTH, type FrameDecoderOptions } from './decoder-options.ts'
import type { FrameError } from './frame-error.ts'
import { invalidLength, truncated } from './frame-failures.ts'
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

/**
 * Cuts a stream of bytes into the frames of a layout. A frame that lies whole in its chunk is never copied. A frame that is
 * cut by the edge of a chunk is copied, that frame only, and its memory follows the bytes that have come.
 *
 * It is `FrameDecoder` for any layout. Their paths of a frame are written twice, so that each stays small enough for the
 * compiler to inline; the rest is shared.
 */
export class FormatDecoder implements FrameReader {
  readonly #layout: FrameLayout
  #maxFrameLength = 0
  #chunk = NOTHING
  /** Chunks pushed before the current one was used up. */
  #waiting: ChunkQueue | undefined
  /** Where the next frame begins in the chunk. */
  #at = 0
  /** Where the chunk begins in the stream. */
  #chunkOffset = 0
  /** The frame that is cut by the edge of a chunk. */
  #cut: CutFrame | undefined
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
    this.#maxFrameLength = checkMaxFrameLength(value, this.#layout.headerLength)
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
    return this.#cut !== undefined || this.#at < this.#chunk.length || this.#waiting !== undefined
  }

  push(chunk: BytesLike): void {
    if (this.#failure !== undefined) throw this.#failure
    const bytes = chunk instanceof Uint8Array && chunk.length > 0 ? chunk : bytesOf(chunk, 'chunk')
    if (this.#waiting !== undefined) this.#waiting.push(bytes)
    else if (this.#at < this.#chunk.length) this.#queue(bytes)
    else this.#startChunk(bytes)
  }

  next(): boolean {
    if (this.#failure !== undefined) throw this.#failure
    do {
      if (this.#cut === undefined ? this.#findWhole() : this.#gather(this.#cut)) return true
    } while (this.#nextChunk())
    return false
  }

  read(): Uint8Array | null {
    return this.next() ? this.#bytes.subarray(this.#start, this.#end) : null
  }

  detach(): void {
    if (this.#at < this.#chunk.length) this.#startChunk(copyOf(this.#chunk, this.#at))
    this.#waiting?.detach()
  }

  finish(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (!this.insideFrame) return
    const { length = 0, goal = 0 } = this.#cut ?? {}
    const frameLength = goal > this.#layout.headerLength ? goal : undefined
    this.#failure = truncated(frameLength, length + this.#chunk.length - this.#at, this.#place())
    throw this.#failure
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
    this.#cut = new CutFrame(headerLength)
    return this.#gather(this.#cut)
  }

  /** Puts a cut frame together. True: it is whole, and the current payload. */
  #gather(cut: CutFrame): boolean {
    const { headerLength } = this.#layout
    if (cut.length < headerLength) {
      this.#at += cut.take(this.#chunk, this.#at)
      if (cut.length < headerLength) return false
      cut.goal = this.#frameLengthAt(cut.bytes, 0)
    }
    this.#at += cut.take(this.#chunk, this.#at)
    if (cut.length < cut.goal) return false
    this.#bytes = cut.bytes
    this.#start = headerLength
    this.#end = cut.length
    this.#cut = undefined
    return true
  }

  #queue(chunk: Uint8Array): void {
    this.#waiting = new ChunkQueue()
    this.#waiting.push(chunk)
  }

  #startChunk(chunk: Uint8Array): void {
    this.#chunkOffset += this.#at
    this.#chunk = chunk
    this.#at = 0
  }

  /** Goes on to the next chunk. False: there is none. */
  #nextChunk(): boolean {
    this.#bytes = NOTHING
    this.#start = this.#end = 0
    const chunk = this.#waiting?.shift()
    this.#startChunk(chunk ?? NOTHING)
    if (chunk !== undefined) return true
    this.#waiting = undefined
    return false
  }

  /** @throws FrameError when the length in the header is invalid */
  #frameLengthAt(bytes: Uint8Array, at: number): number {
    const { headerLength } = this.#layout
    const frameLength = this.#layout.frameLengthAt(bytes, at)
    if (frameLength >= headerLength && frameLength <= this.#maxFrameLength) return frameLength
    this.#failure = invalidLength(frameLength, headerLength, this.#place())
    throw this.#failure
  }

  /** Where the current frame begins in the stream, for errors. */
  #place() {
    const offset = this.#chunkOffset + this.#at - (this.#cut?.length ?? 0)
    return { offset, maxFrameLength: this.#maxFrameLength }
  }
}
