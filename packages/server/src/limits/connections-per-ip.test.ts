import { expect, test } from 'vitest'
import { ConnectionsPerIp } from './connections-per-ip.ts'

test('an address has as many as it may have, and another one is another', () => {
  const connections = new ConnectionsPerIp(2)
  expect([1, 2, 3].map(() => connections.enter('192.0.2.1'))).toEqual([true, true, false])
  expect(connections.enter('192.0.2.2')).toBe(true)
})

test('one that leaves makes room for one', () => {
  const connections = new ConnectionsPerIp(1)
  connections.enter('192.0.2.1')
  connections.leave('192.0.2.1')
  expect([1, 2].map(() => connections.enter('192.0.2.1'))).toEqual([true, false])
})

test.each([
  ['2001:db8:0:1::7', '2001:db8:0:1:ffff:ffff:ffff:ffff'],
  ['2001:db8::7', '2001:db8:0:0:1::'],
  ['::1', '::2'],
  ['fe80::1', 'fe80::2%eth0'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['2001:DB8:0000:0::1', '2001:db8::2'],
])('%s and %s are of one subscriber', (one, other) => {
  const connections = new ConnectionsPerIp(1)
  expect([connections.enter(one), connections.enter(other)]).toEqual([true, false])
})

test.each([
  ['2001:db8:0:1::7', '2001:db8:0:2::7'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ['::1:0:0:0:1', '::2:0:0:0:1'],
])('%s and %s are not', (one, other) => {
  const connections = new ConnectionsPerIp(1)
  expect([connections.enter(one), connections.enter(other)]).toEqual([true, true])
})

test('without a limit, and over a Unix socket, nothing is counted', () => {
  const unlimited = new ConnectionsPerIp(Number.POSITIVE_INFINITY)
  expect([1, 2, 3].every(() => unlimited.enter('192.0.2.1'))).toBe(true)
  const limited = new ConnectionsPerIp(1)
  expect([1, 2, 3].every(() => limited.enter(undefined))).toBe(true)
  limited.leave(undefined)
})
