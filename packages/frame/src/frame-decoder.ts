import { type BytesLike, bytesOf } from './bytes.ts'
import { ChunkQueue, copyOf } from './chunk-queue.ts'
import { CutFrame, NOTHING } from './cut-frame.ts'
import { checkMaxFrameLength, DEFAULT_MAX_FRAME_LENGTH, type FrameDecoderOptions } from './decoder-options.ts'
import { guessForeignProtocol } from './foreign-protocol.ts'
import type { FrameError } from './frame-error.ts'
import { invalidLength, truncated } from './frame-failures.ts'
import { HEADER_LENGTH, readFrameLength } from './frame-header.ts'

/**
 * Finds the payloads of frames in a stream of bytes: push a chunk, then call `next` until it returns false.
 *
 * ```
 *  chunk   00 00 00 09 68 65 6c 6c 6f 00 00 00 06 6f 6b
 *          └─length 9┘ └──payload───┘ └─length 6┘ └pay┘
 *  next()              start       end            start end
 * ```
 *
 * | state     | what next() looks at                               | leaves when                                  |
 * |-----------|----------------------------------------------------|----------------------------------------------|
 * | reading   | the chunk: whole frames are found where they lie   | the chunk ends inside a frame → gathering    |
 * | gathering | a frame cut by the edge of a chunk                 | the frame is whole, and returned → reading   |
 * | failed    | nothing: the error is thrown again                 | never: frame boundaries cannot be found again |
 *
 * A frame that lies whole in its chunk is never copied. A frame cut by the edge of a chunk is copied, that frame only.
 * Its memory follows the bytes that have come, not the length in the header.
 *
 * A payload stays valid as long as its chunk is not written into again. It keeps the whole chunk in memory: copy what you
 * keep for long.
 *
 * @example
 * decoder.push(chunk)
 * while (decoder.next()) handle(decoder.bytes, decoder.start, decoder.end)
 */
export class FrameDecoder {
  #maxFrameLength = DEFAULT_MAX_FRAME_LENGTH

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

  /** @throws RangeError when `maxFrameLength` is not an integer from 4 to 4,294,967,295 */
  constructor(options: FrameDecoderOptions = {}) {
    if (options.maxFrameLength !== undefined) this.maxFrameLength = options.maxFrameLength
  }

  /** The longest frame to accept, in bytes, header included. It may be set at any time, for the headers read afterwards. */
  get maxFrameLength(): number {
    return this.#maxFrameLength
  }

  set maxFrameLength(value: number) {
    this.#maxFrameLength = checkMaxFrameLength(value, HEADER_LENGTH)
  }

  /** The bytes that hold the current payload, from {@link start} to {@link end}. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Where the current payload begins in {@link bytes}. */
  get start(): number {
    return this.#start
  }

  /** Where the current payload ends in {@link bytes}, exclusive. */
  get end(): number {
    return this.#end
  }

  /** Whether the stream is inside a frame, after {@link next} has returned false. */
  get insideFrame(): boolean {
    return this.#cut !== undefined || this.#at < this.#chunk.length || this.#waiting !== undefined
  }

  /**
   * Gives the decoder the next bytes of the stream. A chunk pushed before {@link next} returned false is queued.
   *
   * @throws FrameError the same error again, after the decoder has failed
   * @throws TypeError `ERR_FRAME_NOT_BYTES` when the chunk is text, or anything else that is not bytes; the decoder is
   *   unchanged
   */
  push(chunk: BytesLike): void {
    if (this.#failure !== undefined) throw this.#failure
    const bytes = chunk instanceof Uint8Array && chunk.length > 0 ? chunk : bytesOf(chunk, 'chunk')
    if (this.#waiting !== undefined) this.#waiting.push(bytes)
    else if (this.#at < this.#chunk.length) this.#queue(bytes)
    else this.#startChunk(bytes)
  }

  /**
   * Copies the rest of the chunks, so that their memory can be reused. The current payload becomes invalid.
   */
  detach(): void {
    if (this.#at < this.#chunk.length) this.#startChunk(copyOf(this.#chunk, this.#at))
    this.#waiting?.detach()
  }

  /**
   * Finds the next payload.
   *
   * @returns true: {@link bytes}, {@link start} and {@link end} point at it; false: more bytes are needed
   *
   * @throws FrameError `ERR_FRAME_TOO_LONG`, `ERR_FRAME_TOO_SHORT`; the same again on every later call
   */
  next(): boolean {
    if (this.#cut === undefined) {
      const chunk = this.#chunk
      const at = this.#at
      const left = chunk.length - at
      if (left >= HEADER_LENGTH) {
        // The header lies in the chunk, so each byte is a number. As readFrameLength, without a call for each frame.
        const high = ((chunk[at] as number) << 24) | ((chunk[at + 1] as number) << 16)
        const frameLength = (high | ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number)) >>> 0
        if (frameLength >= HEADER_LENGTH && frameLength <= left && frameLength <= this.#maxFrameLength) {
          // Storing the same chunk again would cost the garbage collector's write barrier for each frame.
          if (this.#bytes !== chunk) this.#bytes = chunk
          this.#start = at + HEADER_LENGTH
          this.#end = this.#at = at + frameLength
          return true
        }
      }
    }
    return this.#nextAcrossChunks()
  }

  /** The next payload as a view, or null when more bytes are needed. */
  read(): Uint8Array | null {
    return this.next() ? this.#bytes.subarray(this.#start, this.#end) : null
  }

  /**
   * Ends the stream. Call it after {@link next} has returned false.
   *
   * @throws FrameError `ERR_FRAME_TRUNCATED` when it ended inside a frame
   */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (!this.insideFrame) return
    const { length = 0, goal = 0 } = this.#cut ?? {}
    const frameLength = goal > HEADER_LENGTH ? goal : undefined
    const received = length + this.#chunk.length - this.#at
    this.#failure = truncated(frameLength, received, this.#place())
    throw this.#failure
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
    this.#start = 0
    this.#end = 0
    const chunk = this.#waiting?.shift()
    this.#startChunk(chunk ?? NOTHING)
    if (chunk !== undefined) return true
    this.#waiting = undefined
    return false
  }

  /** The chunk holds no whole valid frame: the frame is cut, or its header is invalid. */
  #nextAcrossChunks(): boolean {
    if (this.#failure !== undefined) throw this.#failure
    do {
      if (this.#gather()) return true
    } while (this.#nextChunk())
    return false
  }

  /** Puts a cut frame together. True: it is whole, and the current payload. */
  #gather(): boolean {
    if (this.#cut === undefined) {
      if (this.#at === this.#chunk.length) return false
      this.#cut = new CutFrame(HEADER_LENGTH)
    }
    const cut = this.#cut
    if (cut.length < HEADER_LENGTH) {
      this.#at += cut.take(this.#chunk, this.#at)
      if (cut.length < HEADER_LENGTH) return false
      cut.goal = this.#checkLength(readFrameLength(cut.bytes, 0))
    }
    this.#at += cut.take(this.#chunk, this.#at)
    if (cut.length < cut.goal) return false
    this.#bytes = cut.bytes
    this.#start = HEADER_LENGTH
    this.#end = cut.length
    this.#cut = undefined
    return true
  }

  #checkLength(frameLength: number): number {
    if (frameLength >= HEADER_LENGTH && frameLength <= this.#maxFrameLength) return frameLength
    const place = this.#place()
    const guess = place.offset === 0 && frameLength >= HEADER_LENGTH
    const hint = guess ? guessForeignProtocol(frameLength, place.maxFrameLength) : undefined
    this.#failure = invalidLength(frameLength, HEADER_LENGTH, { ...place, hint })
    throw this.#failure
  }

  /** Where the current frame begins in the stream, for errors. */
  #place() {
    const offset = this.#chunkOffset + this.#at - (this.#cut?.length ?? 0)
    return { offset, maxFrameLength: this.#maxFrameLength }
  }
}
