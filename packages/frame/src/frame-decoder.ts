import { type BytesLike, bytesOf } from './bytes.ts'
import { guessForeignProtocol } from './foreign-protocol.ts'
import { FrameError } from './frame-error.ts'
import { HEADER_LENGTH, MAX_LENGTH_FIELD } from './frame-header.ts'

/** Options of {@link FrameDecoder} and `decodeFrames`. */
export interface FrameDecoderOptions {
  /**
   * The longest frame to take, in bytes, header included. A longer one throws `ERR_FRAME_TOO_LONG` as soon as its four
   * bytes of length are in, before anything is allocated for it. An integer from 4 to 4,294,967,295.
   *
   * @default 1048576 (1 MiB)
   */
  maxFrameLength?: number | undefined
}

/** The longest frame a decoder takes unless told otherwise, in bytes: 1 MiB. */
export const DEFAULT_MAX_FRAME_LENGTH = 1024 * 1024

/** A cut frame up to this length gets all of its room at once; a longer one grows with the bytes that really came. */
const ROOM_AT_ONCE = 4096

const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * Cuts a stream of bytes into frames. A pull decoder: push a chunk, then ask for frames until there are none.
 *
 * ```
 *  chunk   00 00 00 09 68 65 6c 6c 6f 00 00 00 06 6f 6b
 *          └─length 9┘ └──payload───┘ └─length 6┘ └pay┘
 *  next()              start       end            start end
 * ```
 *
 * | state     | what next() looks at                                | leaves when                                        |
 * |-----------|-----------------------------------------------------|----------------------------------------------------|
 * | reading   | the chunk: whole frames are found where they lie    | the chunk ends inside a frame → gathering          |
 * | gathering | a frame cut by the edge of a chunk, put together    | the frame is whole: it is returned → handed out    |
 * | handed out| nothing: the caller looks at the gathered frame     | next() is called again → reading                   |
 * | failed    | nothing: the error is thrown again, whatever comes  | never: lost boundaries are never found again       |
 *
 * A frame that lies whole in its chunk is never copied. A frame cut by the edge of a chunk is copied, that frame only.
 * Its memory follows the bytes that came, not the length that was promised.
 *
 * Whatever was handed out stays valid for as long as anybody holds it, provided that whoever pushes a chunk does not
 * write into it again. A view pins the whole chunk in memory: copy what must live long.
 *
 * @example
 * decoder.push(chunk)
 * while (decoder.next()) handle(decoder.bytes, decoder.start, decoder.end)
 */
export class FrameDecoder {
  #maxFrameLength = DEFAULT_MAX_FRAME_LENGTH

  #chunk = NOTHING
  /** Chunks pushed before the one in hand was used up. */
  #waiting: Uint8Array[] | undefined
  #waitingAt = 0
  /** Where the next frame begins in the chunk. */
  #at = 0
  /** Where the chunk begins in the stream. */
  #chunkOffset = 0

  /** The cut frame, as far as it came; the room may be larger. */
  #gathered = NOTHING
  #gatheredLength = 0
  /** How many bytes must be gathered before something can happen: 0 reading, 4 the header, then the whole frame. */
  #goal = 0
  #handedOut = false

  #bytes = NOTHING
  #start = 0
  #end = 0

  #failure: FrameError | undefined

  /** @throws RangeError when `maxFrameLength` is not an integer from 4 to 4,294,967,295 */
  constructor(options: FrameDecoderOptions = {}) {
    if (options.maxFrameLength !== undefined) this.maxFrameLength = options.maxFrameLength
  }

  /** The longest frame to take, in bytes, header included. May be set at any time; it judges the headers read after. */
  get maxFrameLength(): number {
    return this.#maxFrameLength
  }

  set maxFrameLength(value: number) {
    if (!Number.isInteger(value) || value < HEADER_LENGTH || value > MAX_LENGTH_FIELD) {
      throw new RangeError(
        `invalid maxFrameLength ${String(value)}: expected an integer from ${HEADER_LENGTH} to ${MAX_LENGTH_FIELD}`,
      )
    }
    this.#maxFrameLength = value
  }

  /** The bytes that hold the payload last found, from {@link start} to {@link end}. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Where the payload last found begins in {@link bytes}. */
  get start(): number {
    return this.#start
  }

  /** Where the payload last found ends in {@link bytes}, exclusive. */
  get end(): number {
    return this.#end
  }

  /** Once {@link next} has said false: whether the stream stands inside a frame, truncated if it ends here. */
  get insideFrame(): boolean {
    return (this.#goal !== 0 && !this.#handedOut) || this.#at < this.#chunk.length || this.#waiting !== undefined
  }

  /**
   * Gives the decoder the next bytes of the stream. A chunk pushed before {@link next} said false waits its turn.
   *
   * @throws FrameError the error of before, once the decoder has failed
   * @throws TypeError `ERR_FRAME_NOT_BYTES` when the chunk is text, or anything else that is no bytes; then nothing has
   *   changed
   */
  push(chunk: BytesLike): void {
    if (this.#failure !== undefined) throw this.#failure
    const bytes = chunk instanceof Uint8Array && chunk.length > 0 ? chunk : bytesOf(chunk, 'chunk')
    if (this.#waiting !== undefined) this.#waiting.push(bytes)
    else if (this.#at < this.#chunk.length) this.#waiting = [bytes]
    else this.#startChunk(bytes)
  }

  /**
   * Copies what is left of the chunks, so that whoever pushed them may write into them again: for those who read into
   * one buffer over and over. What {@link next} found before is valid no more.
   */
  detach(): void {
    if (this.#at < this.#chunk.length) this.#startChunk(copyOf(this.#chunk, this.#at))
    if (this.#waiting !== undefined) this.#waiting = this.#waiting.map((chunk) => copyOf(chunk, 0))
  }

  /**
   * Finds the next payload. True: {@link bytes}, {@link start} and {@link end} point at it. False: more bytes are
   * needed.
   *
   * @throws FrameError `ERR_FRAME_TOO_LONG`, `ERR_FRAME_TOO_SHORT`; and the same again on every later call
   */
  next(): boolean {
    if (this.#goal === 0) {
      const chunk = this.#chunk
      const at = this.#at
      const left = chunk.length - at
      if (left >= HEADER_LENGTH) {
        const frameLength = ((chunk[at] << 24) | (chunk[at + 1] << 16) | (chunk[at + 2] << 8) | chunk[at + 3]) >>> 0
        if (frameLength >= HEADER_LENGTH && frameLength <= left && frameLength <= this.#maxFrameLength) {
          // To store what is stored already would cost the garbage collector's write barrier for each frame.
          if (this.#bytes !== chunk) this.#bytes = chunk
          this.#start = at + HEADER_LENGTH
          this.#end = this.#at = at + frameLength
          return true
        }
      }
    }
    return this.#nextAcrossChunks()
  }

  /** The next payload as a view, or null when more bytes are needed. The same as {@link next}, for convenience. */
  read(): Uint8Array | null {
    return this.next() ? this.#bytes.subarray(this.#start, this.#end) : null
  }

  /**
   * Says that the stream has ended. Call it once {@link next} has said false.
   *
   * @throws FrameError `ERR_FRAME_TRUNCATED` when it ended inside a frame
   */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (!this.insideFrame) return
    const received = this.#gatheredLength + this.#chunk.length - this.#at
    const frameLength = this.#goal > HEADER_LENGTH ? this.#goal : undefined
    const promised = frameLength === undefined ? 'its header' : `a frame of ${frameLength} bytes`
    this.#failure = new FrameError(
      'ERR_FRAME_TRUNCATED',
      `the stream ended inside ${promised}, after ${received} of its bytes`,
      {
        frameLength,
        maxFrameLength: this.#maxFrameLength,
        offset: this.#frameOffset(),
      },
    )
    throw this.#failure
  }

  #frameOffset(): number {
    return this.#chunkOffset + this.#at - this.#gatheredLength
  }

  #fail(frameLength: number): never {
    if (this.#failure !== undefined) throw this.#failure
    const offset = this.#frameOffset()
    const maxFrameLength = this.#maxFrameLength
    const tooShort = frameLength < HEADER_LENGTH
    const hint = offset === 0 && !tooShort ? guessForeignProtocol(frameLength, maxFrameLength) : undefined
    const details = { frameLength, maxFrameLength, offset, hint }
    this.#failure = tooShort
      ? new FrameError(
          'ERR_FRAME_TOO_SHORT',
          `the header at byte ${offset} promises a frame of ${frameLength} bytes, less than the header itself (${HEADER_LENGTH})`,
          details,
        )
      : new FrameError(
          'ERR_FRAME_TOO_LONG',
          `the header at byte ${offset} promises a frame of ${frameLength} bytes, more than the maximum of ${maxFrameLength}`,
          details,
        )
    throw this.#failure
  }

  #startChunk(chunk: Uint8Array): void {
    this.#chunkOffset += this.#at
    this.#chunk = chunk
    this.#at = 0
  }

  /** Lets go of a chunk that is used up. False: there is no other. */
  #nextChunk(): boolean {
    this.#bytes = NOTHING
    this.#start = 0
    this.#end = 0
    const waiting = this.#waiting?.[this.#waitingAt]
    this.#startChunk(waiting ?? NOTHING)
    if (waiting !== undefined) {
      this.#waitingAt += 1
      return true
    }
    this.#waiting = undefined
    this.#waitingAt = 0
    return false
  }

  /** No whole frame lies ahead in the chunk: the frame is cut, or handed out just now, or wrong. */
  #nextAcrossChunks(): boolean {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#handedOut) {
      this.#handedOut = false
      this.#goal = 0
      this.#gathered = NOTHING
      this.#gatheredLength = 0
      return this.next()
    }
    do {
      if (this.#gather()) {
        this.#handedOut = true
        this.#bytes = this.#gathered
        this.#start = HEADER_LENGTH
        this.#end = this.#goal
        return true
      }
    } while (this.#nextChunk())
    return false
  }

  /** Puts a frame together from where it was cut. True: it is whole. */
  #gather(): boolean {
    if (this.#gatheredLength < HEADER_LENGTH) {
      if (!this.#gatherUpTo(HEADER_LENGTH)) return false
      const [b0, b1, b2, b3] = this.#gathered
      const frameLength = ((b0 << 24) | (b1 << 16) | (b2 << 8) | b3) >>> 0
      if (frameLength < HEADER_LENGTH || frameLength > this.#maxFrameLength) this.#fail(frameLength)
      this.#goal = frameLength
    }
    return this.#gatherUpTo(this.#goal)
  }

  /** Moves bytes from the chunk to the gathered frame until there are so many. False: the chunk had too few. */
  #gatherUpTo(goal: number): boolean {
    const count = Math.min(goal - this.#gatheredLength, this.#chunk.length - this.#at)
    if (count > 0) {
      this.#goal = goal
      this.#take(count)
    }
    return this.#gatheredLength === goal
  }

  #take(count: number): void {
    const length = this.#gatheredLength + count
    if (length > this.#gathered.length) {
      const room = new Uint8Array(roomFor(length, this.#goal))
      room.set(this.#gathered.subarray(0, this.#gatheredLength))
      this.#gathered = room
    }
    this.#gathered.set(this.#chunk.subarray(this.#at, this.#at + count), this.#gatheredLength)
    this.#gatheredLength = length
    this.#at += count
  }
}

/** Room for a cut frame: all of a small one, twice what came of a large one, so that copying stays linear. */
function roomFor(length: number, frameLength: number): number {
  return Math.min(frameLength, Math.max(ROOM_AT_ONCE, length * 2))
}

/** A copy of a chunk from somewhere on; `slice` of a Buffer would be none. */
function copyOf(chunk: Uint8Array, start: number): Uint8Array {
  return Uint8Array.prototype.slice.call(chunk, start)
}
