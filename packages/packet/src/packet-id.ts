import { type BytesLike, bytesOf } from './bytes.ts'
import { ID_LENGTH } from './layout.ts'

// What is read lies in the table or in the bytes, so each element is a number: `as number` costs nothing here, on the path
// of a packet.

/** The number of different IDs: after 99,999,999 comes 0. */
export const ID_COUNT = 100_000_000

const DIGITS_OF_HALF = 4
const HALF_COUNT = 10_000
const ZERO = 0x30
const FOUR_ZEROS = 0x30303030
const FOUR_SIXES = 0x06060606
const UPPER_BITS = 0xf0f0f0f0

/** The four digits of every number from 0 to 9,999, as the bytes of one big-endian integer. */
const HALVES = Int32Array.from({ length: HALF_COUNT }, (_, n) => {
  let digits = 0
  for (let i = 0, rest = n; i < DIGITS_OF_HALF; i++, rest = Math.floor(rest / 10)) {
    digits |= (ZERO + (rest % 10)) << (8 * i)
  }
  return digits
})

/**
 * The IDs of the requests of one connection: `00000001`, `00000002`, … `99999999`, `00000000`, `00000001`, …
 */
export class PacketIdSequence {
  #serial: number

  /**
   * @param after the serial number before the first one, from 0 to 99,999,999
   * @throws RangeError when `after` is not in this range
   */
  constructor(after = 0) {
    if (!(Number.isInteger(after) && after >= 0 && after < ID_COUNT)) {
      throw new RangeError(`invalid after ${after}: expected an integer from 0 to ${ID_COUNT - 1}`)
    }
    this.#serial = after
  }

  /** The next ID, as a number from 0 to 99,999,999. */
  nextSerial(): number {
    this.#serial = this.#serial === ID_COUNT - 1 ? 0 : this.#serial + 1
    return this.#serial
  }

  /** The next ID, as eight digits. */
  next(): string {
    return String(this.nextSerial()).padStart(ID_LENGTH, '0')
  }
}

/**
 * Writes a serial number as the eight digits of an ID.
 *
 * ```
 *  writePacketId(42, target, 5)     target   .. .. .. .. .. 30 30 30 30 30 30 34 32 ..
 *                                                           '0  0  0  0  0  0  4  2'
 * ```
 *
 * With a DataView these are two stores instead of eight.
 *
 * @param serial an integer from 0 to 99,999,999; not checked
 * @returns the offset after it
 */
export function writePacketId(serial: number, target: DataView, offset: number): number {
  const high = (serial / HALF_COUNT) | 0
  target.setInt32(offset, HALVES[high] as number)
  target.setInt32(offset + DIGITS_OF_HALF, HALVES[serial - high * HALF_COUNT] as number)
  return offset + ID_LENGTH
}

/**
 * The serial number that the eight digits of an ID stand for, or -1 when they are not eight digits.
 *
 * @throws TypeError `ERR_PACKET_NOT_BYTES`
 */
export function readPacketId(bytes: BytesLike, offset: number): number {
  return readSerial(bytes instanceof Uint8Array && bytes.length > 0 ? bytes : bytesOf(bytes, 'bytes'), offset)
}

/** The same without a check of the type of `bytes`. */
export function readSerial(bytes: Uint8Array, offset: number): number {
  if (offset + ID_LENGTH > bytes.length) return -1
  const high = readHalf(bytes, offset)
  const low = readHalf(bytes, offset + DIGITS_OF_HALF)
  return high < 0 || low < 0 ? -1 : high * HALF_COUNT + low
}

/** The number of four digits; -1 when one of the bytes is not a digit. */
function readHalf(bytes: Uint8Array, offset: number): number {
  const high = ((bytes[offset] as number) << 24) | ((bytes[offset + 1] as number) << 16)
  const low = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)
  const digits = (high | low) ^ FOUR_ZEROS
  // A byte is a digit if neither d nor d + 6 has one of the upper four bits.
  if (((digits | (digits + FOUR_SIXES)) & UPPER_BITS) !== 0) return -1
  return (digits >> 24) * 1000 + ((digits >> 16) & 0xf) * 100 + ((digits >> 8) & 0xf) * 10 + (digits & 0xf)
}
