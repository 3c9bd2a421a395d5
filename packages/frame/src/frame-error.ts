/**
 * What went wrong with a stream of frames. Match these codes, never the message:
 *
 * - `ERR_FRAME_TOO_LONG`: the length in a header is above the receiver's maximum, or a payload to encode is too long for
 *   the length field.
 * - `ERR_FRAME_TOO_SHORT`: the length in a header is less than the header itself.
 * - `ERR_FRAME_TRUNCATED`: the stream ended inside a frame.
 */
export type FrameErrorCode = 'ERR_FRAME_TOO_LONG' | 'ERR_FRAME_TOO_SHORT' | 'ERR_FRAME_TRUNCATED'

/** The details of a {@link FrameError}. */
export interface FrameErrorDetails {
  /** The length of the frame by its header, header included, in bytes; undefined when the header is not complete. */
  frameLength?: number | undefined
  /** The longest frame that the decoder accepts, header included, in bytes. */
  maxFrameLength: number
  /** Where the frame begins, in bytes from the start of the stream. */
  offset: number
  /** Which protocol the bytes look like, if any: `the peer seems to speak HTTP`. */
  hint?: string | undefined
}

/** The frames of a stream cannot be found. The decoder that threw it stays failed. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly code: FrameErrorCode
  /** The length of the frame by its header, header included, in bytes; undefined when the header is not complete. */
  readonly frameLength: number | undefined
  /** The longest frame that the decoder accepts, header included, in bytes. */
  readonly maxFrameLength: number
  /** Where the frame begins, in bytes from the start of the stream. */
  readonly offset: number
  /** Which protocol the bytes look like, if any: `the peer seems to speak HTTP`. */
  readonly hint: string | undefined

  constructor(code: FrameErrorCode, message: string, details: FrameErrorDetails) {
    super(details.hint === undefined ? message : `${message}; ${details.hint}`)
    this.code = code
    this.frameLength = details.frameLength
    this.maxFrameLength = details.maxFrameLength
    this.offset = details.offset
    this.hint = details.hint
  }
}
