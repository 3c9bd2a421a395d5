import { FrameError } from './frame-error.ts'
import { HEADER_LENGTH, MAX_LENGTH_FIELD } from './frame-header.ts'

/**
 * Puts one payload into a new frame.
 *
 * ```
 *  payload   68 65 6c 6c 6f
 *  frame     00 00 00 09 68 65 6c 6c 6f
 * ```
 *
 * @throws FrameError `ERR_FRAME_TOO_LONG` when payload and header are above 4,294,967,295 bytes
 */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  checkPayloadLength(payload.length)
  const frame = new Uint8Array(HEADER_LENGTH + payload.length)
  frame.set(payload, writeFrameHeader(frame, 0, payload.length))
  return frame
}

/**
 * Writes the four bytes of header of a frame whose payload follows them.
 *
 * ```
 *  target, before   .. .. .. .. .. ..     payloadLength 5, offset 1
 *  target, after    .. 00 00 00 09 ..     returns 5
 * ```
 *
 * @returns where the payload begins: `offset + 4`
 * @throws FrameError `ERR_FRAME_TOO_LONG` when payload and header are above 4,294,967,295 bytes
 * @throws RangeError when the header does not fit into the target, or the length is negative
 */
export function writeFrameHeader(target: Uint8Array, offset: number, payloadLength: number): number {
  checkPayloadLength(payloadLength)
  if (!(offset >= 0 && offset + HEADER_LENGTH <= target.length)) {
    throw new RangeError(`a header of 4 bytes at offset ${offset} does not fit into a target of ${target.length} bytes`)
  }
  const frameLength = HEADER_LENGTH + payloadLength
  target[offset] = frameLength >>> 24
  target[offset + 1] = frameLength >>> 16
  target[offset + 2] = frameLength >>> 8
  target[offset + 3] = frameLength
  return offset + HEADER_LENGTH
}

function checkPayloadLength(payloadLength: number): void {
  if (payloadLength >= 0 && payloadLength <= MAX_LENGTH_FIELD - HEADER_LENGTH) return
  if (!(payloadLength > 0)) throw new RangeError(`payloadLength is ${payloadLength}; it must be 0 or more`)
  throw new FrameError(
    'ERR_FRAME_TOO_LONG',
    `a payload of ${payloadLength} bytes can't be framed: header and payload together count at most ${MAX_LENGTH_FIELD} bytes`,
    { frameLength: HEADER_LENGTH + payloadLength, maxFrameLength: MAX_LENGTH_FIELD, offset: 0 },
  )
}
