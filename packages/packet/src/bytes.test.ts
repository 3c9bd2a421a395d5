import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type BytesLike, CommandId, createPacketCodec, PacketError, readPacketId, type Submit } from './index.ts'

const codec = createPacketCodec()

/** A Submit of twelve bytes: command, ID, and the payload 61 62 63; and what it decodes to. */
const SUBMIT = [0x02, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x34, 0x32, 0x61, 0x62, 0x63]
/** Twelve bytes with others around them. */
const around = (bytes: readonly number[]) => Uint8Array.of(9, 9, 9, 9, ...bytes, 9, 9, 9, 9).buffer

function shared(bytes: readonly number[]): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes.length)
  new Uint8Array(buffer).set(bytes)
  return buffer
}

const FORMS: [string, (bytes: readonly number[]) => BytesLike][] = [
  ['Uint8Array', (bytes) => new Uint8Array(around(bytes), 4, 12)],
  ['Buffer', (bytes) => Buffer.from(around(bytes), 4, 12)],
  ['Uint8ClampedArray', (bytes) => new Uint8ClampedArray(around(bytes), 4, 12)],
  ['Uint16Array', (bytes) => new Uint16Array(around(bytes), 4, 6)],
  ['Int32Array', (bytes) => new Int32Array(around(bytes), 4, 3)],
  ['DataView', (bytes) => new DataView(around(bytes), 4, 12)],
  ['ArrayBuffer', (bytes) => Uint8Array.from(bytes).buffer],
  ['SharedArrayBuffer', shared],
  ['Uint8Array of another realm', (bytes) => runInNewContext(`Uint8Array.of(${bytes})`) as Uint8Array],
  ['ArrayBuffer of another realm', (bytes) => runInNewContext(`Uint8Array.of(${bytes}).buffer`) as ArrayBuffer],
]

function detached<View>(make: (buffer: ArrayBuffer) => View): View {
  const { buffer } = Uint8Array.from(SUBMIT)
  const view = make(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  return view
}

const NONE: [string, () => unknown, string][] = [
  ['a string', () => 'hello', 'a string: encode text with a TextEncoder'],
  ['a number', () => 7, 'a number'],
  ['nothing', () => undefined, 'undefined'],
  ['null', () => null, 'null'],
  ['an array', () => SUBMIT, 'an object of class Array'],
  ['a detached Uint8Array', () => detached((buffer) => new Uint8Array(buffer)), 'a view or buffer that is detached'],
  ['a detached DataView', () => detached((buffer) => new DataView(buffer)), 'a view or buffer that is detached'],
  ['a detached ArrayBuffer', () => detached((buffer) => buffer), 'a view or buffer that is detached'],
]

const refusal = (name: string, came: string) =>
  expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_PACKET_NOT_BYTES',
    message: expect.stringContaining(
      `invalid ${name}: expected a TypedArray, DataView, ArrayBuffer or SharedArrayBuffer, got ${came}`,
    ),
  })

describe.each(FORMS)('%s is taken by its bytes', (_form, make) => {
  test('to decode, all of it or a part', () => {
    for (const view of [codec.decode(make(SUBMIT)), codec.decode(make(SUBMIT), 0, 12)]) {
      if (view.command !== CommandId.Submit) throw new Error('no Submit')
      expect([view.id, view.serial, view.payloadLength]).toEqual(['00000042', 42, 3])
      expect([...view.payload]).toEqual([0x61, 0x62, 0x63])
      expect([...view.copy().payload]).toEqual([0x61, 0x62, 0x63])
    }
    const cut = codec.decode(make(SUBMIT), 0, 10)
    expect(cut).toMatchObject({ start: 0, end: 10, payloadLength: 1 })
  })

  test('to decode an ack', () => {
    const ack = [9, 0x82, ...SUBMIT.slice(1, 9), 0x01, 9]
    expect(codec.decodeAck(make(ack), 1, 11)).toMatchObject({ command: CommandId.SubmitAck, serial: 42, result: 1 })
    expect(codec.decode(make(ack), 1, 11)).toMatchObject({ command: CommandId.SubmitAck, serial: 42, result: 1 })
    expect(() => codec.decodeAck(make(SUBMIT))).toThrow(PacketError)
  })

  test('as a payload', () => {
    const packet: Submit = { command: CommandId.Submit, id: '00000042', payload: make(SUBMIT) }
    expect(codec.encodedLength(packet)).toBe(21)
    expect([...codec.encode(packet)]).toEqual([...SUBMIT.slice(0, 9), ...SUBMIT])
  })

  test('as a target', () => {
    const target = make(Array(12).fill(0))
    const packet = { command: CommandId.Submit, id: '00000042', payload: Uint8Array.of(0x61, 0x62) } as const
    expect(codec.encodeInto(packet, target, 1)).toBe(12)
    expect([...codec.encode({ ...packet, payload: target })].slice(9)).toEqual([0, ...SUBMIT.slice(0, 11)])
    const request = codec.decode(Uint8Array.from(SUBMIT))
    if (request.command !== CommandId.Submit) throw new Error('no Submit')
    expect(codec.writeAck(request, 1, target, 0)).toBe(10)
    expect([...codec.encode({ ...packet, payload: target })].slice(9)).toEqual([
      0x82,
      ...SUBMIT.slice(1, 9),
      1,
      ...SUBMIT.slice(9, 11),
    ])
    expect(() => codec.writeAck(request, 1, target, 3)).toThrow(RangeError)
    expect(() => codec.encodeInto(packet, target, 2)).toThrow(RangeError)
  })

  test('to read an ID', () => {
    expect(readPacketId(make(SUBMIT), 1)).toBe(42)
    expect(readPacketId(make(SUBMIT), 5)).toBe(-1)
  })
})

describe.each(NONE)('%s is refused, with an error that says what it is', (_what, make, came) => {
  const bytes = () => make() as BytesLike

  test('to decode', () => {
    for (const decode of [codec.decode, codec.decodeAck]) {
      expect(() => decode(bytes())).toThrow(refusal('bytes', came))
      expect(() => decode(bytes(), 0, 12)).toThrow(refusal('bytes', came))
    }
  })

  test('as a payload', () => {
    for (const command of [CommandId.Submit, CommandId.Conn]) {
      const packet = { command, id: '00000001', payload: bytes() }
      expect(() => codec.encode(packet)).toThrow(refusal('payload', came))
      expect(() => codec.encodedLength(packet)).toThrow(refusal('payload', came))
      expect(() => codec.encodeInto(packet, new Uint8Array(64), 0)).toThrow(refusal('payload', came))
    }
  })

  test('as a target', () => {
    const packet = { command: CommandId.SubmitAck, id: '00000001', result: 0 } as const
    expect(() => codec.encodeInto(packet, bytes(), 0)).toThrow(refusal('target', came))
    const request = codec.decode(Uint8Array.from(SUBMIT))
    if (request.command !== CommandId.Submit) throw new Error('no Submit')
    expect(() => codec.writeAck(request, 0, bytes(), 0)).toThrow(refusal('target', came))
  })

  test('to read an ID', () => {
    expect(() => readPacketId(bytes(), 0)).toThrow(refusal('bytes', came))
  })
})

test('only the command decides which fields a packet has', () => {
  const id = '00000001'
  const without = { command: CommandId.Submit, id } as unknown as Submit
  expect(() => codec.encode(without)).toThrow(refusal('payload', 'undefined'))
  const both = { command: CommandId.SubmitAck, id, result: 1, payload: Uint8Array.of(1, 2, 3) } as const
  expect([...codec.encode(both)]).toEqual([0x82, ...Array(7).fill(0x30), 0x31, 1])
})

test('a packet is written at whole bytes only', () => {
  const packet = { command: CommandId.SubmitAck, id: '00000001', result: 0 } as const
  const target = new Uint8Array(20)
  expect(() => codec.encodeInto(packet, target, 0.5)).toThrow(RangeError)
  expect(target).toEqual(new Uint8Array(20))
})
