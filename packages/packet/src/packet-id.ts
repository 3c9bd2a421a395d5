import { ID_LENGTH } from './layout.ts'

/** How many serial numbers eight digits can tell apart: after 99,999,999 comes 0. */
export const ID_COUNT = 100_000_000

const DIGITS_OF_HALF = 4
const HALF_COUNT = 10_000
const ZERO = 0x30

/** The four digits of every number from 0 to 9,999, as bytes. */
const HALVES = new Uint8Array(HALF_COUNT * DIGITS_OF_HALF)
for (let n = 0; n < HALF_COUNT; n++) {
  for (let i = DIGITS_OF_HALF - 1, rest = n; i >= 0; i--, rest = Math.floor(rest / 10)) {
    HALVES[n * DIGITS_OF_HALF + i] = ZERO + (rest % 10)
  }
}

/**
 * The IDs of the requests of one connection: `00000001`, `00000002`, … `99999999`, `00000000`, `00000001`, …
 */
export class PacketIdSequence {
  #serial: number

  /**
   * @param after the serial number before the first one, from 0 to 99,999,999
   * @throws RangeError when it is not
   */
  constructor(after = 0) {
    if (!(Number.isInteger(after) && after >= 0 && after < ID_COUNT)) {
      throw new RangeError(`after is ${after}; it must be an integer from 0 to ${ID_COUNT - 1}`)
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
 * @param serial an integer from 0 to 99,999,999; not checked
 * @returns the offset after it
 */
export function writePacketId(serial: number, target: Uint8Array, offset: number): number {
  const high = Math.floor(serial / HALF_COUNT)
  let from = high * DIGITS_OF_HALF
  target[offset] = HALVES[from]
  target[offset + 1] = HALVES[from + 1]
  target[offset + 2] = HALVES[from + 2]
  target[offset + 3] = HALVES[from + 3]
  from = (serial - high * HALF_COUNT) * DIGITS_OF_HALF
  target[offset + 4] = HALVES[from]
  target[offset + 5] = HALVES[from + 1]
  target[offset + 6] = HALVES[from + 2]
  target[offset + 7] = HALVES[from + 3]
  return offset + ID_LENGTH
}

/** The serial number that the eight digits of an ID stand for, or -1 when they are not eight digits. */
export function readPacketId(bytes: Uint8Array, offset: number): number {
  let serial = 0
  for (let at = offset; at < offset + ID_LENGTH; at++) {
    const digit = bytes[at] - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    serial = serial * 10 + digit
  }
  return serial
}
