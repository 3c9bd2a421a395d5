import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PacketIdSequence, readPacketId, writePacketId } from './index.ts'

test('IDs begin at 00000001', () => {
  const ids = new PacketIdSequence()
  expect([ids.next(), ids.next(), ids.next()]).toEqual(['00000001', '00000002', '00000003'])
})

test('after 99999999 comes 00000000', () => {
  const ids = new PacketIdSequence(99_999_997)
  expect([ids.next(), ids.next(), ids.next(), ids.next()]).toEqual(['99999998', '99999999', '00000000', '00000001'])
})

test.each([-1, 100_000_000, 1.5, Number.NaN])('a sequence after %s is refused', (after) => {
  expect(() => new PacketIdSequence(after)).toThrow(`invalid after ${after}: expected an integer from 0 to 99999999`)
})

test('a serial number is written as eight digits, and read again', () => {
  fc.assert(
    fc.property(fc.nat(99_999_999), (serial) => {
      const target = new Uint8Array(10).fill(0xff)
      expect(writePacketId(serial, new DataView(target.buffer), 1)).toBe(9)
      expect(String.fromCharCode(...target.subarray(1, 9))).toBe(String(serial).padStart(8, '0'))
      expect([target[0], target[9]]).toEqual([0xff, 0xff])
      expect(readPacketId(target, 1)).toBe(serial)
    }),
  )
})

test.each(['0000000a', '/0000000', ':0000000', '0000 000'])('%j is not a serial number', (id) => {
  expect(readPacketId(Uint8Array.from(Buffer.from(id)), 0)).toBe(-1)
})
