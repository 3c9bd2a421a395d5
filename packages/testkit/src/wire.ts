/**
 * What goes over the wire, as hex, put together by hand: no codec is tested with itself.
 *
 * ```
 *  submit(1, 'ab')   0000000e 02 3030303030303031 ab
 *  submitAck(1)      0000000e 82 3030303030303031 00
 * ```
 */

/** Where the ID of a packet begins in its frame, in bytes. */
const ID_OFFSET = 5
const ID_LENGTH = 8

/** The length of the frame of a response, in bytes. */
export const ACK_LENGTH = 14

/** A frame around a packet given as hex: its length counts its own four bytes. */
export function frame(packet: string): string {
  return (packet.length / 2 + 4).toString(16).padStart(8, '0') + packet
}

/** A serial number as the eight digits of an ID: `3030303030303031` is 1. */
export function id(serial: number): string {
  const digits = String(serial).padStart(ID_LENGTH, '0')
  return [...digits].map((digit) => `3${digit}`).join('')
}

const byte = (value: number) => value.toString(16).padStart(2, '0')

/** A Conn in its frame. */
export const conn = (serial: number, payload = '') => frame(`01${id(serial)}${payload}`)

/** A Submit in its frame. */
export const submit = (serial: number, payload = '') => frame(`02${id(serial)}${payload}`)

/** The answer to a Conn, in its frame. */
export const connAck = (serial: number, result = 0) => `0000000e81${id(serial)}${byte(result)}`

/** The answer to a Submit, in its frame. */
export const submitAck = (serial: number, result = 0) => `0000000e82${id(serial)}${byte(result)}`

/** The answers of a peer that speaks the dialect of the Go demo. */
export const goDemo = {
  connAck: (serial: number, result = 0) => `0000000e80${id(serial)}${byte(result)}`,
  submitAck: (serial: number, result = 0) => `0000000e81${id(serial)}${byte(result)}`,
}

/** Submits with the serial numbers from `first` to `last`, all with one payload. */
export const submits = (first: number, last: number, payload = '') =>
  serials(first, last)
    .map((serial) => submit(serial, payload))
    .join('')

/** Their answers, all with one result. */
export const submitAcks = (first: number, last: number, result = 0) =>
  serials(first, last)
    .map((serial) => submitAck(serial, result))
    .join('')

/** The whole numbers from `first` to `last`. */
export function serials(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** The answers in a stream, one string each, in order of their IDs: for a test in which their order does not matter. */
export function sortedAcks(hex: string): string[] {
  return (hex.match(/.{1,28}/g) ?? []).sort()
}

/** A byte that is repeated, as hex. */
export const filler = (length: number) => 'ab'.repeat(length)

/** Text as hex. */
export const hexOf = (text: string) => Buffer.from(text).toString('hex')

/** Hex as bytes. */
export const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

const ACK_FRAME = Buffer.from(submitAck(0), 'hex')
const SUBMIT_FRAME = Buffer.from(submit(0), 'hex')

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
