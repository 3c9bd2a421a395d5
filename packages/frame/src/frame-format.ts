import type { BytesLike } from './bytes.ts'
import type { FrameDecoderOptions } from './decoder-options.ts'

/**
 * Finds the payloads of frames in a stream of bytes: push a chunk, then call `next` until it returns false. `FrameDecoder`
 * reads this project's own format.
 */
export interface FrameReader {
  /** The longest frame to accept, in bytes, header included. It applies to the headers read after it is set. */
  maxFrameLength: number
  /** The bytes that hold the current payload, from {@link start} to {@link end}. */
  readonly bytes: Uint8Array
  /** Where the current payload begins in {@link bytes}. */
  readonly start: number
  /** Where the current payload ends in {@link bytes}, exclusive. */
  readonly end: number
  /** Whether the stream is inside a frame, after {@link next} has returned false. */
  readonly insideFrame: boolean

  /**
   * Gives the decoder the next bytes of the stream.
   *
   * @throws FrameError the same error again, after the decoder has failed
   * @throws TypeError `ERR_FRAME_NOT_BYTES`
   */
  push(chunk: BytesLike): void

  /**
   * Finds the next payload.
   *
   * @returns false: more bytes are needed
   * @throws FrameError when the stream breaks the format; the same again on every later call
   */
  next(): boolean

  /** The next payload as a view, or null when more bytes are needed. */
  read(): Uint8Array | null

  /** Copies the rest of the chunks, so that their memory can be reused. The current payload becomes invalid. */
  detach(): void

  /**
   * Ends the stream. Call it after {@link next} has returned false.
   *
   * @throws FrameError `ERR_FRAME_TRUNCATED` when it ended inside a frame
   */
  finish(): void
}

/** How payloads are put into frames, and frames found in a stream. */
export interface FrameFormat {
  /** A decoder for one stream. */
  decoder(options?: FrameDecoderOptions): FrameReader

  /**
   * The length of a frame, in bytes, with a payload of `payloadLength` bytes.
   *
   * @throws FrameError `ERR_FRAME_TOO_LONG` when the format cannot express it
   */
  encodedLength(payloadLength: number): number

  /**
   * Writes the frame of a payload.
   *
   * @returns where the frame ends in `target`
   * @throws FrameError `ERR_FRAME_TOO_LONG` when the format cannot express its length
   * @throws RangeError when it does not fit into the target
   * @throws TypeError `ERR_FRAME_NOT_BYTES`
   */
  encodeInto(payload: BytesLike, target: BytesLike, offset: number): number
}
