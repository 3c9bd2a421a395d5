import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameDecoder } from './frame-decoder.ts'
import { FrameError } from './frame-error.ts'
import type { FrameReader } from './frame-format.ts'
import { type LengthPrefixedOptions, lengthPrefixed } from './length-prefixed.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hex = (view: Uint8Array) => Buffer.from(view).toString('hex')

/** All payloads of a stream that is pushed in the given pieces. */
function payloads(decoder: FrameReader, pieces: readonly Uint8Array[]): string[] {
  const found: string[] = []
  for (const piece of pieces) {
    decoder.push(piece)
    while (decoder.next()) found.push(hex(decoder.bytes.subarray(decoder.start, decoder.end)))
  }
  return found
}

/** Frames written by hand: the options, the stream, and the payloads in it. */
const VECTORS: readonly [name: string, LengthPrefixedOptions, stream: string, payloads: string[]][] = [
  ['1 byte', { lengthBytes: 1 }, '02 6869 00 01 21', ['6869', '', '21']],
  ['1 byte, itself included', { lengthBytes: 1, lengthIncludesHeader: true }, '03 6869 01', ['6869', '']],
  ['2 bytes, big', { lengthBytes: 2 }, '0002 6869 0000', ['6869', '']],
  ['2 bytes, little', { lengthBytes: 2, endian: 'little' }, '0200 6869 0000', ['6869', '']],
  ['3 bytes, big', { lengthBytes: 3 }, '000002 6869', ['6869']],
  ['3 bytes, little', { lengthBytes: 3, endian: 'little' }, '020000 6869 010000 21', ['6869', '21']],
  [
    '3 bytes, little, itself included',
    { lengthBytes: 3, endian: 'little', lengthIncludesHeader: true },
    '050000 6869',
    ['6869'],
  ],
  ['4 bytes, big', {}, '00000002 6869', ['6869']],
  ['4 bytes, little', { endian: 'little' }, '02000000 6869', ['6869']],
  ['4 bytes, big, itself included', { lengthIncludesHeader: true }, '00000006 6869', ['6869']],
]

describe.each(VECTORS)('%s', (_name, options, stream, expected) => {
  const format = lengthPrefixed(options)
  const whole = bytes(stream)

  test('decodes the stream whole, byte by byte, and cut at every point', () => {
    expect(payloads(format.decoder(), [whole])).toEqual(expected)
    expect(
      payloads(
        format.decoder(),
        [...whole].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(expected)
    for (let cut = 0; cut <= whole.length; cut += 1) {
      expect(payloads(format.decoder(), [whole.subarray(0, cut), whole.subarray(cut)])).toEqual(expected)
    }
  })

  test('encodes the payloads to the same stream', () => {
    const target = new Uint8Array(whole.length)
    let offset = 0
    for (const payload of expected) offset = format.encodeInto(bytes(payload), target, offset)
    expect(hex(target)).toBe(hex(whole))
    expect(offset).toBe(whole.length)
  })
})

test('any payloads, in any pieces, come out as they went in', () => {
  const options = fc.record({
    lengthBytes: fc.constantFrom(2, 3, 4),
    endian: fc.constantFrom('big', 'little'),
    lengthIncludesHeader: fc.boolean(),
  }) as fc.Arbitrary<LengthPrefixedOptions>
  const stream = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })
  fc.assert(
    fc.property(options, stream, fc.array(fc.nat(50), { minLength: 1 }), (some, sent, lengths) => {
      const format = lengthPrefixed(some)
      const target = new Uint8Array(sent.reduce((sum, { length }) => sum + format.encodedLength(length), 0))
      sent.reduce((offset, payload) => format.encodeInto(payload, target, offset), 0)
      const pieces: Uint8Array[] = []
      for (let at = 0, turn = 0; at < target.length; turn += 1) {
        const length = (lengths[turn % lengths.length] ?? 0) + 1
        pieces.push(target.subarray(at, at + length))
        at += length
      }
      const decoder = format.decoder()
      expect(payloads(decoder, pieces)).toEqual(sent.map(hex))
      expect(decoder.insideFrame).toBe(false)
      decoder.finish()
    }),
  )
})

test('the project’s own format is 4 bytes, big, itself included', () => {
  const stream = [bytes('00000006 6869 0000'), bytes('0004')]
  const options = { lengthIncludesHeader: true, maxFrameLength: 64 }
  expect(payloads(lengthPrefixed(options).decoder(), stream)).toEqual(payloads(new FrameDecoder(options), stream))
})

describe('a stream that breaks the format', () => {
  const format = lengthPrefixed({ lengthBytes: 2, lengthIncludesHeader: true, maxFrameLength: 8 })

  test.each([
    ['too long', '0002 0009', 'ERR_FRAME_TOO_LONG', 2, 9],
    ['too short', '0002 0001', 'ERR_FRAME_TOO_SHORT', 2, 1],
  ])(
    '%s: fails as soon as the header is in, with its offset, and stays failed',
    (_name, stream, code, offset, frameLength) => {
      for (const pieces of [[bytes(stream)], [...bytes(stream)].map((byte) => Uint8Array.of(byte))]) {
        const decoder = format.decoder()
        const decode = () => payloads(decoder, pieces)
        expect(decode).toThrow(expect.objectContaining({ code, offset, frameLength, maxFrameLength: 8 }))
        expect(decode).toThrow(FrameError)
        expect(() => decoder.finish()).toThrow(FrameError)
      }
    },
  )

  test('truncated: says so at its end', () => {
    const decoder = format.decoder()
    expect(payloads(decoder, [bytes('0003 61 0004')])).toEqual(['61'])
    expect(decoder.insideFrame).toBe(true)
    expect(() => decoder.finish()).toThrow(expect.objectContaining({ code: 'ERR_FRAME_TRUNCATED', offset: 3 }))
  })
})

test('memory follows the bytes that have come, not the length in the header', () => {
  const decoder = lengthPrefixed({ maxFrameLength: 0xffff_ffff }).decoder()
  const before = process.memoryUsage().arrayBuffers
  decoder.push(bytes('3fffffff 61'))
  expect(decoder.next()).toBe(false)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
})

test('detach() keeps the rest of a chunk that is overwritten', () => {
  const decoder = lengthPrefixed({ lengthBytes: 1 }).decoder()
  const chunk = bytes('0161 0162 02 63')
  decoder.push(chunk)
  expect(decoder.next()).toBe(true)
  decoder.detach()
  chunk.fill(0)
  expect(payloads(decoder, [bytes('64')])).toEqual(['62', '6364'])
})

test('many one-byte chunks may be pushed before the first call of next', () => {
  const decoder = lengthPrefixed({ lengthBytes: 2 }).decoder()
  const pieces = [...bytes('0003 616263')].map((byte) => Uint8Array.of(byte))
  for (let i = 0; i < 500_000; i += 1) decoder.push(pieces[i % 5] as Uint8Array)
  let count = 0
  while (decoder.next()) count += 1
  expect(count).toBe(100_000)
  expect(decoder.insideFrame).toBe(false)
}, 5000)

test('detach() does not change where an error is', () => {
  const decoder = lengthPrefixed({ lengthBytes: 1, maxFrameLength: 3 }).decoder()
  decoder.push(bytes('0161 0162 02'))
  expect(decoder.next()).toBe(true)
  decoder.detach()
  expect(payloads(decoder, [bytes('6364')])).toEqual(['62', '6364'])
  decoder.push(bytes('ff'))
  expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'ERR_FRAME_TOO_LONG', offset: 7 }))
})

test('a payload that is too long for the length field is refused, and one that does not fit into its target', () => {
  const format = lengthPrefixed({ lengthBytes: 1 })
  expect(() => format.encodedLength(256)).toThrow(expect.objectContaining({ code: 'ERR_FRAME_TOO_LONG' }))
  expect(() => format.encodeInto(new Uint8Array(3), new Uint8Array(3), 0)).toThrow(RangeError)
})

test.each([
  [{ lengthBytes: 5 }, 'invalid lengthBytes 5: expected 1, 2, 3 or 4'],
  [{ endian: 'middle' }, "invalid endian 'middle': expected 'big' or 'little'"],
  [{ lengthIncludesHeader: 1 }, 'invalid lengthIncludesHeader 1: expected true or false'],
  [{ lengthBytes: 2, maxFrameLength: 1 }, 'invalid maxFrameLength 1: expected an integer from 2 to 4294967295'],
])('%j is refused', (options, message) => {
  expect(() => lengthPrefixed(options as LengthPrefixedOptions)).toThrow(message)
})

test('any view or buffer is taken by its bytes; anything else is refused', () => {
  const format = lengthPrefixed({ lengthBytes: 1 })
  const decoder = format.decoder()
  decoder.push(bytes('02 6869').buffer)
  expect(decoder.next()).toBe(true)
  const target = new ArrayBuffer(3)
  expect(format.encodeInto(new Uint16Array(bytes('6869').buffer), target, 0)).toBe(3)
  expect(hex(new Uint8Array(target))).toBe('026869')
  const notBytes = expect.objectContaining({ name: 'TypeError', code: 'ERR_FRAME_NOT_BYTES' })
  expect(() => decoder.push('hi' as never)).toThrow(notBytes)
  expect(() => format.encodeInto('hi' as never, target, 0)).toThrow(notBytes)
  expect(() => format.encodeInto(bytes('68'), [0, 0, 0] as never, 0)).toThrow(notBytes)
})
