import { type BytesLike, bytesOf, type NewBytes } from './bytes.ts'
import { FrameError } from './frame-error.ts'
import { HEADER_LENGTH, MAX_LENGTH_FIELD } from './frame-header.ts'
import { invalid } from './invalid.ts'

/**
 * Puts one payload into a new frame.
 *
 * ```
 *  payload   68 65 6c 6c 6f
 *  frame     00 00 00 09 68 65 6c 6c 6f
 * ```
 *
 * @throws FrameError `ERR_FRAME_TOO_LONG` when payload and header are above 4,294,967,295 bytes
 * @throws TypeError `ERR_FRAME_NOT_BYTES` when the payload is text, or anything else that is not bytes
 */
export function encodeFrame(payload: BytesLike): NewBytes {
  const bytes = payload instanceof Uint8Array && payload.length > 0 ? payload : bytesOf(payload, 'payload')
  checkPayloadLength(bytes.length)
  const frame = new Uint8Array(HEADER_LENGTH + bytes.length)
  writeLength(frame, 0, frame.length)
  frame.set(bytes, HEADER_LENGTH)
  return frame
}

/**
 * Writes the header of a frame, four bytes. Its payload follows.
 *
 * ```
 *  target, before   .. .. .. .. .. ..     payloadLength 5, offset 1
 *  target, after    .. 00 00 00 09 ..     returns 5
 * ```
 *
 * @returns where the payload begins: `offset + 4`
 * @throws FrameError `ERR_FRAME_TOO_LONG` when payload and header are above 4,294,967,295 bytes
 * @throws RangeError when the header does not fit into the target, or offset or length is not an integer from 0
 * @throws TypeError `ERR_FRAME_NOT_BYTES` when the target is not bytes
 */
export function writeFrameHeader(target: BytesLike, offset: number, payloadLength: number): number {
  const bytes = target instanceof Uint8Array && target.length > 0 ? target : bytesOf(target, 'target')
  checkPayloadLength(payloadLength)
  if (!(offset >= 0 && offset + HEADER_LENGTH <= bytes.length && Number.isInteger(offset))) {
    throw new RangeError(`a header of 4 bytes at offset ${offset} does not fit into a target of ${bytes.length} bytes`)
  }
  writeLength(bytes, offset, HEADER_LENGTH + payloadLength)
  return offset + HEADER_LENGTH
}

function writeLength(bytes: Uint8Array, offset: number, frameLength: number): void {
  bytes[offset] = frameLength >>> 24
  bytes[offset + 1] = frameLength >>> 16
  bytes[offset + 2] = frameLength >>> 8
  bytes[offset + 3] = frameLength
}

function checkPayloadLength(payloadLength: number): void {
  if (Number.isInteger(payloadLength) && payloadLength >= 0 && payloadLength <= MAX_LENGTH_FIELD - HEADER_LENGTH) return
  if (!(payloadLength > 0 && payloadLength % 1 === 0)) {
    throw invalid('payloadLength', payloadLength, 'an integer from 0')
  }
  throw new FrameError(
    'ERR_FRAME_TOO_LONG',
    `invalid payload of ${payloadLength} bytes: expected at most ${MAX_LENGTH_FIELD - HEADER_LENGTH}`,
    { frameLength: HEADER_LENGTH + payloadLength, maxFrameLength: MAX_LENGTH_FIELD, offset: 0 },
  )
}
