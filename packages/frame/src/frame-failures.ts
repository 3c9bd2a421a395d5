import { FrameError, type FrameErrorDetails } from './frame-error.ts'

/** The error of a header whose length is below the header's own, or above the maximum. */
export function invalidLength(
  frameLength: number,
  headerLength: number,
  details: Pick<FrameErrorDetails, 'maxFrameLength' | 'offset' | 'hint'>,
): FrameError {
  const header = `the header at byte ${details.offset} promises a frame of ${frameLength} bytes`
  const tooShort = frameLength < headerLength
  return new FrameError(
    tooShort ? 'ERR_FRAME_TOO_SHORT' : 'ERR_FRAME_TOO_LONG',
    tooShort
      ? `${header}, less than the header itself (${headerLength})`
      : `${header}, more than the maximum of ${details.maxFrameLength}`,
    { ...details, frameLength },
  )
}

/**
 * The error of a stream that ended inside a frame.
 *
 * @param frameLength undefined when it ended inside the header
 */
export function truncated(
  frameLength: number | undefined,
  received: number,
  details: Pick<FrameErrorDetails, 'maxFrameLength' | 'offset'>,
): FrameError {
  const part = frameLength === undefined ? 'the header of a frame' : `a frame of ${frameLength} bytes`
  const message = `the stream ended inside ${part}, after ${received} of its bytes`
  return new FrameError('ERR_FRAME_TRUNCATED', message, { ...details, frameLength })
}
