import { expect, test } from 'vitest'
import {
  bytesOf,
  conn,
  connAck,
  filler,
  frame,
  goDemo,
  hexOf,
  id,
  manySubmitAcks,
  manySubmits,
  sortedAcks,
  submit,
  submitAck,
  submitAcks,
  submits,
} from './wire.ts'

// Every expectation is spelled out: length, command, eight ASCII digits, then the payload or the result.
test.each([
  ['a frame', frame('abcd'), '00000006abcd'],
  ['a frame without a payload', frame(''), '00000004'],
  ['an ID', id(40), '3030303030303430'],
  ['the last ID', id(99_999_999), '3939393939393939'],
  ['a Conn', conn(1), '0000000d013030303030303031'],
  ['a Conn with a payload', conn(1, 'cafe'), '0000000f013030303030303031cafe'],
  ['a Submit', submit(12, 'ab'), '0000000e023030303030303132ab'],
  ['an answer to a Conn', connAck(1), '0000000e81303030303030303100'],
  ['an answer to a Submit', submitAck(1, 1), '0000000e82303030303030303101'],
  ['a large result', submitAck(1, 255), '0000000e823030303030303031ff'],
  ['an answer to a Conn of the Go demo', goDemo.connAck(1), '0000000e80303030303030303100'],
  ['an answer to a Submit of the Go demo', goDemo.submitAck(1), '0000000e81303030303030303100'],
  ['Submits', submits(9, 10), '0000000d0230303030303030390000000d023030303030303130'],
  ['answers', submitAcks(9, 10, 1), '0000000e823030303030303039010000000e82303030303030313001'],
  ['text', hexOf('hi'), '6869'],
  ['a filler', filler(3), 'ababab'],
])('%s', (_name, hex, expected) => {
  expect(hex).toBe(expected)
})

test('bytes of hex', () => {
  expect(bytesOf('00ff')).toEqual(Uint8Array.of(0, 255))
})

test('many are the same as the few, at every number of digits', () => {
  expect(manySubmits(95, 10).toString('hex')).toBe(submits(95, 104))
  expect(manySubmitAcks(99_999_990, 10).toString('hex')).toBe(submitAcks(99_999_990, 99_999_999))
})

test('answers are sorted by their IDs', () => {
  expect(sortedAcks(submitAck(2) + submitAck(1))).toEqual([submitAck(1), submitAck(2)])
})
