import { expect, test } from 'vitest'
import { encodeFrame, writeFrameHeader } from './index.ts'

test('a frame counts its header', () => {
  expect([...encodeFrame(Uint8Array.of(0x68, 0x65, 0x6c, 0x6c, 0x6f))]).toEqual([
    0, 0, 0, 9, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
  ])
  expect([...encodeFrame(new Uint8Array(0))]).toEqual([0, 0, 0, 4])
})

test('a header is written at the offset, all four bytes', () => {
  const target = new Uint8Array(6).fill(0xee)
  expect(writeFrameHeader(target, 1, 0x01020304 - 4)).toBe(5)
  expect([...target]).toEqual([0xee, 1, 2, 3, 4, 0xee])
})

test('a header that does not fit is refused', () => {
  expect(() => writeFrameHeader(new Uint8Array(3), 0, 1)).toThrow(
    new RangeError('a header of 4 bytes at offset 0 does not fit into a target of 3 bytes'),
  )
  expect(() => writeFrameHeader(new Uint8Array(8), -1, 1)).toThrow(RangeError)
})

test('a length above four bytes is refused', () => {
  const target = new Uint8Array(4)
  expect(writeFrameHeader(target, 0, 0xffff_ffff - 4)).toBe(4)
  expect([...target]).toEqual([255, 255, 255, 255])
  expect(() => writeFrameHeader(target, 0, 0xffff_ffff - 3)).toThrow(
    expect.objectContaining({ code: 'ERR_FRAME_TOO_LONG' }),
  )
  expect(() => writeFrameHeader(target, 0, -1)).toThrow(
    new RangeError('invalid payloadLength -1: expected an integer from 0'),
  )
  expect(() => writeFrameHeader(target, 0, Number.NaN)).toThrow(RangeError)
})
