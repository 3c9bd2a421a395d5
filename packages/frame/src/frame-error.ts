/**
 * What went wrong with a stream of frames. Match these, never the message:
 *
 * - `ERR_FRAME_TOO_LONG`: a header promises a frame above the receiver's maximum, or a payload to encode does not fit
 *   into four bytes of length.
 * - `ERR_FRAME_TOO_SHORT`: a header promises less than the four bytes of the header itself.
 * - `ERR_FRAME_TRUNCATED`: the stream ended inside a frame.
 */
export type FrameErrorCode = 'ERR_FRAME_TOO_LONG' | 'ERR_FRAME_TOO_SHORT' | 'ERR_FRAME_TRUNCATED'

/** The facts of a {@link FrameError}. */
export interface FrameErrorDetails {
  /** The length that the header promises, header included, in bytes; undefined when the header itself is cut. */
  frameLength?: number | undefined
  /** The longest frame that the decoder takes, header included, in bytes. */
  maxFrameLength: number
  /** Where the frame begins, in bytes from the start of the stream. */
  offset: number
  /** What the bytes look like, when they look like something: `the peer seems to speak HTTP`. */
  hint?: string | undefined
}

/** A stream whose frames can't be told apart any more. The decoder that threw it stays failed. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly code: FrameErrorCode
  /** The length that the header promises, header included, in bytes; undefined when the header itself is cut. */
  readonly frameLength: number | undefined
  /** The longest frame that the decoder takes, header included, in bytes. */
  readonly maxFrameLength: number
  /** Where the frame begins, in bytes from the start of the stream. */
  readonly offset: number
  /** What the bytes look like, when they look like something: `the peer seems to speak HTTP`. */
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
