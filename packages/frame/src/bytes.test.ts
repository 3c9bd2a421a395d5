import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type BytesLike, decodeFrames, encodeFrame, FrameDecoder, writeFrameHeader } from './index.ts'

/** The bytes 01 02 03 04; in a view, with one byte before and one after. */
const amid = () => Uint8Array.of(9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9).buffer
const exact = () => Uint8Array.of(1, 2, 3, 4).buffer

function shared(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(4)
  new Uint8Array(buffer).set([1, 2, 3, 4])
  return buffer
}

const FORMS: [string, () => BytesLike][] = [
  ['Uint8Array', () => new Uint8Array(amid(), 4, 4)],
  ['Buffer', () => Buffer.from(amid(), 4, 4)],
  ['Uint8ClampedArray', () => new Uint8ClampedArray(amid(), 4, 4)],
  ['Int8Array', () => new Int8Array(amid(), 4, 4)],
  ['Uint16Array', () => new Uint16Array(amid(), 4, 2)],
  ['Float32Array', () => new Float32Array(amid(), 4, 1)],
  ['DataView', () => new DataView(amid(), 4, 4)],
  ['ArrayBuffer', exact],
  ['SharedArrayBuffer', shared],
  ['view on a SharedArrayBuffer', () => new Uint16Array(shared())],
  ['Uint8Array of another realm', () => runInNewContext('Uint8Array.of(1, 2, 3, 4)') as Uint8Array],
  ['ArrayBuffer of another realm', () => runInNewContext('Uint8Array.of(1, 2, 3, 4).buffer') as ArrayBuffer],
]

function detached<View>(make: (buffer: ArrayBuffer) => View): View {
  const buffer = exact()
  const view = make(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  return view
}

/** A view whose resizable buffer (ES2024) has shrunk. */
function shrunk(): Uint8Array {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void }
  const buffer = new Resizable(8, { maxByteLength: 8 })
  const view = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return view
}

const NONE: [string, () => unknown, string][] = [
  ['a string', () => 'hello', 'a string: encode text with a TextEncoder'],
  ['a number', () => 7, 'a number'],
  ['nothing', () => undefined, 'undefined'],
  ['null', () => null, 'null'],
  ['an array', () => [1, 2, 3], 'an object of class Array'],
  ['an object with a length', () => ({ length: 3 }), 'an object of class Object'],
  ['a Blob', () => new Blob(['hello']), 'an object of class Blob'],
  ['a promise of bytes', () => Promise.resolve(new Uint8Array(1)), 'an object of class Promise'],
  ['a detached Uint8Array', () => detached((buffer) => new Uint8Array(buffer)), 'a view or buffer that is detached'],
  ['a detached Uint16Array', () => detached((buffer) => new Uint16Array(buffer)), 'a view or buffer that is detached'],
  ['a detached DataView', () => detached((buffer) => new DataView(buffer)), 'a view or buffer that is detached'],
  ['a detached ArrayBuffer', () => detached((buffer) => buffer), 'a view or buffer that is detached'],
  ['a view whose buffer has shrunk', shrunk, 'a view or buffer that is detached'],
]

const refusal = (name: string, came: string) =>
  expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_FRAME_NOT_BYTES',
    message: expect.stringContaining(
      `invalid ${name}: expected a TypedArray, DataView, ArrayBuffer or SharedArrayBuffer, got ${came}`,
    ),
  })

describe.each(FORMS)('%s is taken by its bytes', (_form, make) => {
  test('as a payload', () => {
    expect([...encodeFrame(make())]).toEqual([0, 0, 0, 8, 1, 2, 3, 4])
  })

  test('as a chunk, whole and cut', () => {
    const decoder = new FrameDecoder()
    decoder.push(Uint8Array.of(0, 0, 0, 8))
    expect(decoder.next()).toBe(false)
    decoder.push(make())
    expect([...(decoder.read() ?? [])]).toEqual([1, 2, 3, 4])
    decoder.push(Uint8Array.of(0, 0, 0, 12, 5, 6))
    decoder.push(make())
    decoder.push(Uint8Array.of(7, 8))
    expect([...(decoder.read() ?? [])]).toEqual([5, 6, 1, 2, 3, 4, 7, 8])
    expect(decoder.next()).toBe(false)
    decoder.finish()
  })

  test('as a chunk of a stream', async () => {
    async function* stream() {
      yield Uint8Array.of(0, 0, 0, 8)
      yield make()
    }
    const payloads: number[][] = []
    for await (const payload of decodeFrames(stream())) payloads.push([...payload])
    expect(payloads).toEqual([[1, 2, 3, 4]])
  })

  test('as a target for a header, and no other byte is written', () => {
    const target = make()
    expect(writeFrameHeader(target, 0, 0x01020304 - 8)).toBe(4)
    expect([...encodeFrame(target)]).toEqual([0, 0, 0, 8, 1, 2, 3, 0])
    expect(() => writeFrameHeader(target, 1, 0)).toThrow(
      new RangeError('a header of 4 bytes at offset 1 does not fit into a target of 4 bytes'),
    )
    if (ArrayBuffer.isView(target) && target.byteOffset === 4) {
      const around = new Uint8Array(target.buffer)
      expect([...around.subarray(0, 4), ...around.subarray(8)]).toEqual([9, 9, 9, 9, 9, 9, 9, 9])
    }
  })
})

describe.each(NONE)('%s is refused, with an error that says what it is', (_what, make, came) => {
  test('as a payload', () => {
    expect(() => encodeFrame(make() as BytesLike)).toThrow(refusal('payload', came))
  })

  test('as a chunk, which changes nothing', () => {
    const decoder = new FrameDecoder()
    decoder.push(Uint8Array.of(0, 0, 0, 6, 1))
    expect(() => decoder.push(make() as BytesLike)).toThrow(refusal('chunk', came))
    expect(decoder.next()).toBe(false)
    expect(() => decoder.push(make() as BytesLike)).toThrow(refusal('chunk', came))
    decoder.push(Uint8Array.of(2))
    expect([...(decoder.read() ?? [])]).toEqual([1, 2])
  })

  test('as a chunk of a stream', async () => {
    async function* stream() {
      yield make() as BytesLike
    }
    // An async generator awaits what it yields.
    if (make() instanceof Promise) return
    const reading = (async () => {
      for await (const _ of decodeFrames(stream())) throw new Error('there is no frame')
    })()
    await expect(reading).rejects.toEqual(refusal('chunk', came))
  })

  test('as a target for a header', () => {
    expect(() => writeFrameHeader(make() as BytesLike, 0, 1)).toThrow(refusal('target', came))
  })
})

test('bytes may be none', () => {
  for (const empty of [new Uint8Array(0), new Uint16Array(0), new DataView(new ArrayBuffer(0)), new ArrayBuffer(0)]) {
    expect([...encodeFrame(empty)]).toEqual([0, 0, 0, 4])
    const decoder = new FrameDecoder()
    decoder.push(empty)
    expect(decoder.next()).toBe(false)
    decoder.finish()
  }
})

test('a header is written at whole bytes only, for whole lengths', () => {
  const target = new Uint8Array(8)
  expect(() => writeFrameHeader(target, 0.5, 1)).toThrow(RangeError)
  expect(() => writeFrameHeader(target, 0, 1.5)).toThrow(
    new RangeError('invalid payloadLength 1.5: expected an integer from 0'),
  )
  expect(target).toEqual(new Uint8Array(8))
})
