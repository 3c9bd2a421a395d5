import type { BytesLike } from './bytes.ts'
import type { FrameDecoderOptions } from './frame-decoder.ts'

/**
 * Finds the payloads of frames in a stream of bytes. A pull decoder: push a chunk, then ask for frames until there are
 * none. `FrameDecoder` is the one of this project's own format.
 */
export interface FrameReader {
  /** The longest frame to take, in bytes, header included. It judges the headers that are read after it was set. */
  maxFrameLength: number
  /** The bytes that hold the payload last found, from {@link start} to {@link end}. */
  readonly bytes: Uint8Array
  /** Where the payload last found begins in {@link bytes}. */
  readonly start: number
  /** Where the payload last found ends in {@link bytes}, exclusive. */
  readonly end: number
  /** Once {@link next} has returned false: whether the stream stands inside a frame. */
  readonly insideFrame: boolean

  /**
   * Gives the decoder the next bytes of the stream.
   *
   * @throws FrameError the one that was thrown before
   * @throws TypeError `ERR_FRAME_NOT_BYTES`
   */
  push(chunk: BytesLike): void

  /**
   * Finds the next payload; false: more bytes are needed.
   *
   * @throws FrameError when the stream breaks the format; the same again on every later call
   */
  next(): boolean

  /** The next payload as a view, or null when more bytes are needed. */
  read(): Uint8Array | null

  /** Copies what is left of the chunks, so that their memory may be reused. */
  detach(): void

  /**
   * Ends the stream. Call it once {@link next} has returned false.
   *
   * @throws FrameError `ERR_FRAME_TRUNCATED` when it ended inside a frame
   */
  finish(): void
}

/** How a stream of bytes is cut into frames, and put together from payloads. */
export interface FrameFormat {
  /** A decoder for one stream. */
  decoder(options?: FrameDecoderOptions): FrameReader

  /**
   * The length of a frame, in bytes, with a payload of `payloadLength` bytes.
   *
   * @throws FrameError `ERR_FRAME_TOO_LONG` when the format can't express it
   */
  encodedLength(payloadLength: number): number

  /**
   * Writes the frame of a payload.
   *
   * @returns where the frame ends in `target`
   * @throws FrameError `ERR_FRAME_TOO_LONG` when the format can't express its length
   * @throws RangeError when it does not fit into the target
   * @throws TypeError `ERR_FRAME_NOT_BYTES`
   */
  encodeInto(payload: BytesLike, target: BytesLike, offset: number): number
}
