import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import golden from '../vectors/frames.json' with { type: 'json' }
import { encodeFrame, FrameDecoder, FrameError, lengthPrefixed } from './index.ts'

interface Outcome {
  payloads: string[]
  error?: string
}

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Feeds the chunks one by one, then the end of the stream. */
function decode(chunks: Uint8Array[], maxFrameLength?: number): Outcome {
  const decoder = new FrameDecoder(maxFrameLength === undefined ? {} : { maxFrameLength })
  const payloads: string[] = []
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      while (decoder.next()) payloads.push(toHex(decoder.bytes.subarray(decoder.start, decoder.end)))
    }
    decoder.finish()
    return { payloads }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return { payloads, error: error.code }
  }
}

/** The same with chunks that are overwritten as soon as the decoder has released them: at once, or half way. */
function decodeFromOneBuffer(chunks: Uint8Array[], maxFrameLength?: number): Outcome {
  const decoder = new FrameDecoder(maxFrameLength === undefined ? {} : { maxFrameLength })
  const buffer = Buffer.alloc(Math.max(...chunks.map(({ length }) => length)))
  const payloads: string[] = []
  const take = () => {
    if (!decoder.next()) return false
    payloads.push(toHex(decoder.bytes.subarray(decoder.start, decoder.end)))
    return true
  }
  try {
    for (const chunk of chunks) {
      buffer.set(chunk)
      decoder.push(buffer.subarray(0, chunk.length))
      take()
      decoder.detach()
      buffer.fill(0xff)
    }
    while (take());
    decoder.finish()
    return { payloads }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return { payloads, error: error.code }
  }
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge))
}

describe.each(golden.vectors)('golden vector: $name', ({ hex, payloads, error, maxFrameLength }) => {
  const bytes = fromHex(hex)
  const expected = error === undefined ? { payloads } : { payloads, error }

  test('whole', () => {
    expect(decode([bytes], maxFrameLength)).toEqual(expected)
  })

  test('byte by byte', () => {
    expect(
      decode(
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        maxFrameLength,
      ),
    ).toEqual(expected)
  })

  test('cut at every point', () => {
    for (let place = 0; place <= bytes.length; place++) {
      expect(decode(cut(bytes, [place]), maxFrameLength), `cut at ${place}`).toEqual(expected)
    }
  })

  test('cut at every point, read into one buffer again and again', () => {
    for (let place = 0; place <= bytes.length; place++) {
      expect(decodeFromOneBuffer(cut(bytes, [place]), maxFrameLength), `cut at ${place}`).toEqual(expected)
    }
  })

  test('pushed in three pieces before the first call of next', () => {
    const third = Math.ceil(bytes.length / 3)
    const decoder = new FrameDecoder(maxFrameLength === undefined ? {} : { maxFrameLength })
    for (const chunk of cut(bytes, [third, third * 2])) decoder.push(chunk)
    expect(decode([bytes], maxFrameLength)).toEqual(expected)
    const found: string[] = []
    try {
      for (let payload = decoder.read(); payload !== null; payload = decoder.read()) found.push(toHex(payload))
      decoder.finish()
      expect(error).toBeUndefined()
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: error })
    }
    expect(found).toEqual(payloads)
  })
})

describe('any cutting of any stream', () => {
  const payload = fc.uint8Array({ maxLength: 300 })

  test('gives back what was encoded', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 40 }), (payloads, places) => {
        const stream = Uint8Array.from(payloads.flatMap((one) => [...encodeFrame(one)]))
        expect(decode(cut(stream, places))).toEqual({ payloads: payloads.map(toHex) })
      }),
    )
  })

  test('ends in the same payloads and the same error as the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 20 }), (bytes, places) => {
        expect(decode(cut(bytes, places), 64)).toEqual(decode([bytes], 64))
      }),
    )
  })
})

describe('a payload', () => {
  test('is a view on the chunk when the frame lies whole in it', () => {
    const decoder = new FrameDecoder()
    const chunk = fromHex('0000000968656c6c6f')
    decoder.push(chunk)
    expect(decoder.next()).toBe(true)
    expect(decoder.bytes).toBe(chunk)
    expect([decoder.start, decoder.end]).toEqual([4, 9])
  })

  test('does not change while later frames are decoded', () => {
    const decoder = new FrameDecoder()
    const stream = fromHex('0000000661610000000662620000000663630000000664640000000665650000000666660000000667670000')
    const kept: Uint8Array[] = []
    for (const chunk of cut(stream, [3, 9, 14, 20, 27, 33, 39])) {
      decoder.push(chunk)
      for (let payload = decoder.read(); payload !== null; payload = decoder.read()) kept.push(payload)
    }
    expect(kept.map((payload) => Buffer.from(payload).toString())).toEqual(['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg'])
  })

  test('a chunk that is used up is released', () => {
    const decoder = new FrameDecoder()
    const chunk = new Uint8Array(65536)
    chunk.set(fromHex('00010000'))
    decoder.push(chunk)
    expect(decoder.next()).toBe(true)
    expect(decoder.next()).toBe(false)
    expect(decoder.bytes.buffer.byteLength).toBe(0)
    expect(decoder.insideFrame).toBe(false)
  })
})

describe('memory of a cut frame', () => {
  test('follows the bytes that have come, not the length in the header', () => {
    const decoders = Array.from({ length: 1000 }, () => new FrameDecoder())
    const before = process.memoryUsage().arrayBuffers
    for (const decoder of decoders) {
      decoder.push(fromHex('00100000ab'))
      expect(decoder.next()).toBe(false)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(decoders.length * 5000)
  })

  test('a million one-byte chunks may be pushed before the first call of next', () => {
    const decoder = new FrameDecoder()
    const bytes = new Uint8Array(1_000_000)
    for (let at = 0; at < bytes.length; at += 1000) bytes.set(fromHex('000003e8'), at)
    for (let i = 0; i < bytes.length; i++) decoder.push(bytes.subarray(i, i + 1))
    let frames = 0
    while (decoder.next()) frames++
    expect(frames).toBe(1000)
    decoder.finish()
  })

  test('a frame of 1 MiB in one-byte chunks comes whole', () => {
    const decoder = new FrameDecoder()
    const frame = new Uint8Array(1024 * 1024).fill(7)
    frame.set(fromHex('00100000'))
    let found = 0
    for (let i = 0; i < frame.length; i++) {
      decoder.push(frame.subarray(i, i + 1))
      while (decoder.next()) found += decoder.end - decoder.start
    }
    expect(found).toBe(frame.length - 4)
    expect(decoder.bytes.subarray(decoder.start, decoder.end)).toHaveLength(0)
  })
})

describe('a failed decoder', () => {
  test('stays failed, with the same error', () => {
    const decoder = new FrameDecoder()
    decoder.push(fromHex('00000000'))
    const errors = [
      () => decoder.next(),
      () => decoder.next(),
      () => decoder.push(fromHex('00000004')),
      () => decoder.finish(),
    ].map((act) => {
      try {
        act()
      } catch (error) {
        return error
      }
      return undefined
    })
    expect(errors[0]).toBeInstanceOf(FrameError)
    expect(new Set(errors).size).toBe(1)
  })

  test('says the length in the header, the limit and the offset', () => {
    const decoder = new FrameDecoder({ maxFrameLength: 32 })
    decoder.push(fromHex('000000066f6b00000021'))
    expect(decoder.next()).toBe(true)
    expect(() => decoder.next()).toThrow(
      expect.objectContaining({
        code: 'ERR_FRAME_TOO_LONG',
        frameLength: 33,
        maxFrameLength: 32,
        offset: 6,
        hint: undefined,
        message: 'the header at byte 6 promises a frame of 33 bytes, more than the maximum of 32',
      }),
    )
  })

  test('says how far a truncated frame came', () => {
    const decoder = new FrameDecoder()
    decoder.push(fromHex('000000066f6b0000000968'))
    expect(decoder.next()).toBe(true)
    expect(decoder.next()).toBe(false)
    expect(decoder.insideFrame).toBe(true)
    expect(() => decoder.finish()).toThrow(
      expect.objectContaining({
        code: 'ERR_FRAME_TRUNCATED',
        frameLength: 9,
        offset: 6,
        message: 'the stream ended inside a frame of 9 bytes, after 5 of its bytes',
      }),
    )
  })

  test.each([new FrameDecoder(), lengthPrefixed({ lengthIncludesHeader: true }).decoder()])(
    'says that a header is truncated, in each format',
    (decoder) => {
      decoder.push(fromHex('000000066f6b0000'))
      while (decoder.next());
      expect(() => decoder.finish()).toThrow(
        expect.objectContaining({
          code: 'ERR_FRAME_TRUNCATED',
          frameLength: undefined,
          offset: 6,
          message: 'the stream ended inside the header of a frame, after 2 of its bytes',
        }),
      )
    },
  )
})

describe('maxFrameLength', () => {
  test.each([3, 0, -1, 4.5, Number.NaN, 2 ** 32, '64' as unknown as number])('refuses %s', (maxFrameLength) => {
    expect(() => new FrameDecoder({ maxFrameLength })).toThrow(
      /^invalid maxFrameLength .*: expected an integer from 4 to/,
    )
  })

  test('may be raised between two frames', () => {
    const decoder = new FrameDecoder({ maxFrameLength: 5 })
    decoder.push(fromHex('0000000561'))
    expect(decoder.next()).toBe(true)
    decoder.maxFrameLength = 6
    decoder.push(fromHex('000000066161'))
    expect(decoder.next()).toBe(true)
  })
})
