/**
 * What goes over the wire, as hex, put together by hand: no codec is tested with itself.
 *
 * ```
 *  submit(1, 'ab')   0000000e 02 3030303030303031 ab
 *  submitAck(1)      0000000e 82 3030303030303031 00
 * ```
 */

/** A frame around a packet given as hex: its length counts its own four bytes. */
export function frame(packet: string): string {
  return (packet.length / 2 + 4).toString(16).padStart(8, '0') + packet
}

/** A serial number as the eight digits of an ID: `3030303030303031` is 1. */
export function id(serial: number): string {
  const digits = String(serial).padStart(8, '0')
  return [...digits].map((digit) => `3${digit}`).join('')
}

/** A Conn in its frame. */
export const conn = (serial: number, payload = '') => frame(`01${id(serial)}${payload}`)

/** A Submit in its frame. */
export const submit = (serial: number, payload = '') => frame(`02${id(serial)}${payload}`)

/** The answer to a Conn, in its frame. */
export const connAck = (serial: number, result = 0) => `0000000e81${id(serial)}0${result}`

/** The answer to a Submit, in its frame. */
export const submitAck = (serial: number, result = 0) => `0000000e82${id(serial)}0${result}`

/** Submits with the serial numbers from `first` to `last`. */
export const submits = (first: number, last: number) => range(first, last, submit)

/** Their answers, all of them success. */
export const submitAcks = (first: number, last: number) => range(first, last, submitAck)

/** The answers in a stream, one string each, in order of their IDs: for whoever does not care in which order they came. */
export function sortedAcks(hex: string): string[] {
  return (hex.match(/.{1,28}/g) ?? []).sort()
}

/** A `Uint8Array` of a repeated byte, as hex. */
export const filler = (length: number) => 'ab'.repeat(length)

function range(first: number, last: number, one: (serial: number) => string): string {
  let hex = ''
  for (let serial = first; serial <= last; serial++) hex += one(serial)
  return hex
}

const ACK_FRAME = Buffer.from(submitAck(0), 'hex')
const SUBMIT_FRAME = Buffer.from(submit(0), 'hex')
const ID_OFFSET = 5
const ID_LENGTH = 8

/** As {@link submits}, for so many that hex would be slow. */
export const manySubmits = (first: number, count: number) => many(SUBMIT_FRAME, first, count)

/** As {@link submitAcks}, for so many that hex would be slow. */
export const manySubmitAcks = (first: number, count: number) => many(ACK_FRAME, first, count)

function many(template: Buffer, first: number, count: number): Buffer {
  const bytes = Buffer.alloc(template.length * count, template)
  for (let i = 0; i < count; i++) {
    let rest = first + i
    for (let place = ID_LENGTH - 1; place >= 0; place--) {
      bytes[i * template.length + ID_OFFSET + place] = 0x30 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
  }
  return bytes
}
