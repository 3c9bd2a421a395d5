import { bytesOf } from './bytes.ts'
import type { FrameDecoderOptions } from './decoder-options.ts'
import { FormatDecoder, type FrameLayout } from './format-decoder.ts'
import { FrameError } from './frame-error.ts'
import type { FrameFormat } from './frame-format.ts'
import { invalid } from './invalid.ts'
import { type Endian, type LengthBytes, lengthReader } from './length-reader.ts'

/** Options of {@link lengthPrefixed}. */
export interface LengthPrefixedOptions extends FrameDecoderOptions {
  /**
   * The length of the length field, in bytes.
   *
   * @default 4
   */
  lengthBytes?: LengthBytes | undefined

  /**
   * The order of its bytes.
   *
   * @default 'big'
   */
  endian?: Endian | undefined

  /**
   * Whether the length counts its own field.
   *
   * ```
   *  false   03 00 00 │ 61 62 63        true    06 00 00 │ 61 62 63
   * ```
   *
   * @default false
   */
  lengthIncludesHeader?: boolean | undefined
}

/**
 * Frames that begin with the length of what follows.
 *
 * ```
 *  { lengthBytes: 3, endian: 'little' }
 *  payload   68 65 6c 6c 6f
 *  frame     05 00 00 68 65 6c 6c 6f
 * ```
 *
 * @example
 * const format = lengthPrefixed({ lengthBytes: 2, maxFrameLength: 1024 })
 * const decoder = format.decoder()
 *
 * @throws RangeError when an option is invalid
 */
export function lengthPrefixed(options: LengthPrefixedOptions = {}): FrameFormat {
  const { lengthBytes = 4, endian = 'big', lengthIncludesHeader = false, maxFrameLength } = options
  if (![1, 2, 3, 4].includes(lengthBytes)) throw invalid('lengthBytes', lengthBytes, '1, 2, 3 or 4')
  if (endian !== 'big' && endian !== 'little') throw invalid('endian', endian, "'big' or 'little'")
  if (typeof lengthIncludesHeader !== 'boolean') {
    throw invalid('lengthIncludesHeader', lengthIncludesHeader, 'true or false')
  }
  const uncounted = lengthIncludesHeader ? 0 : lengthBytes
  const layout: FrameLayout = {
    headerLength: lengthBytes,
    maxFrameLength: 2 ** (8 * lengthBytes) - 1 + uncounted,
    frameLengthAt: lengthReader(lengthBytes, endian, uncounted),
  }
  // Checks the maximum now, and not with the first connection.
  if (maxFrameLength !== undefined) new FormatDecoder(layout, { maxFrameLength })

  const encodedLength = (payloadLength: number) => {
    const frameLength = lengthBytes + payloadLength
    if (frameLength <= layout.maxFrameLength) return frameLength
    throw new FrameError(
      'ERR_FRAME_TOO_LONG',
      `invalid payload of ${payloadLength} bytes: expected at most ${layout.maxFrameLength - lengthBytes}, with ${lengthBytes} bytes of length`,
      { frameLength, maxFrameLength: layout.maxFrameLength, offset: 0 },
    )
  }

  return {
    decoder: (own) => new FormatDecoder(layout, { maxFrameLength: own?.maxFrameLength ?? maxFrameLength }),
    encodedLength,
    encodeInto(payload, target, offset) {
      const bytes = payload instanceof Uint8Array && payload.length > 0 ? payload : bytesOf(payload, 'payload')
      const room = target instanceof Uint8Array && target.length > 0 ? target : bytesOf(target, 'target')
      const end = offset + encodedLength(bytes.length)
      if (!(offset >= 0 && end <= room.length)) {
        const frame = `a frame of ${end - offset} bytes at offset ${offset}`
        throw new RangeError(`${frame} does not fit into a target of ${room.length} bytes`)
      }
      const length = end - offset - uncounted
      for (let byte = 0; byte < lengthBytes; byte += 1) {
        const shift = 8 * (endian === 'little' ? byte : lengthBytes - 1 - byte)
        room[offset + byte] = length >>> shift
      }
      room.set(bytes, offset + lengthBytes)
      return end
    },
  }
}
