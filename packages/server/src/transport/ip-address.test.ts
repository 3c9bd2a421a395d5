import { expect, test } from 'vitest'
import { spellAddress } from './ip-address.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['2001:db8:0:0::1', '2001:db8::1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:C000:0201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
  ['::192.0.2.1', '::192.0.2.1'],
  ['FE80::0001%eth0', 'fe80::1%eth0'],
  ['no address', 'no address'],
])('%s is spelled %s', (address, spelled) => {
  expect(spellAddress(address)).toBe(spelled)
})
