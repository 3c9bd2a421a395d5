import { invalid } from './invalid.ts'

/** Options of `FrameDecoder` and `decodeFrames`. */
export interface FrameDecoderOptions {
  /**
   * The longest frame to accept, in bytes, header included. A longer one throws `ERR_FRAME_TOO_LONG` as soon as its header
   * has come, before anything is allocated for it. An integer from 4 to 4,294,967,295.
   *
   * @default 1048576 (1 MiB)
   */
  maxFrameLength?: number | undefined
}

/** The longest frame that a decoder accepts by default, in bytes: 1 MiB. */
export const DEFAULT_MAX_FRAME_LENGTH = 1024 * 1024

const MAX_FRAME_LENGTH = 2 ** 32 - 1

/** @throws RangeError when no frame could have this maximum, or it is not an integer */
export function checkMaxFrameLength(value: number, headerLength: number): number {
  if (Number.isInteger(value) && value >= headerLength && value <= MAX_FRAME_LENGTH) return value
  throw invalid('maxFrameLength', value, `an integer from ${headerLength} to ${MAX_FRAME_LENGTH}`)
}
