import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseProxyHeader } from './proxy-protocol.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const text = (line: string) => Buffer.from(line, 'latin1')
const binary = (rest: string) => Buffer.from(SIGNATURE + rest.replaceAll(' ', ''), 'hex')

/** Each header with whom it speaks for, from the examples and the grammar of the specification. */
const HEADERS: Array<[name: string, header: Buffer, peer: { address: string; port: number } | undefined]> = [
  ['1, IPv4', text('PROXY TCP4 192.0.2.1 203.0.113.7 51974 8888\r\n'), { address: '192.0.2.1', port: 51974 }],
  ['1, IPv6', text('PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n'), { address: '2001:db8::1', port: 1 }],
  ['1, the longest there is', text(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), undefined],
  ['1, unknown', text('PROXY UNKNOWN\r\n'), undefined],
  ['1, unknown with addresses', text('PROXY UNKNOWN 192.0.2.1 203.0.113.7 51974 8888\r\n'), undefined],
  ['2, IPv4', binary('21 11 000c c0000201 cb007107 cb06 22b8'), { address: '192.0.2.1', port: 51974 }],
  [
    '2, IPv6',
    binary(`21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 0001 ffff`),
    { address: '2001:db8::1', port: 1 },
  ],
  [
    '2, IPv4 with a TLV',
    binary('21 11 0010 c0000201 cb007107 cb06 22b8 04000161'),
    { address: '192.0.2.1', port: 51974 },
  ],
  ['2, local', binary('20 00 0000'), undefined],
  ['2, local with an address', binary('20 11 000c c0000201 cb007107 cb06 22b8'), undefined],
  ['2, a Unix socket', binary(`21 31 00d8 ${'00'.repeat(216)}`), undefined],
  ['2, unspecified', binary('21 00 0000'), undefined],
]

describe.each(HEADERS)('version %s', (_name, header, peer) => {
  test('tells whom the proxy speaks for, and where the stream begins', () => {
    expect(parseProxyHeader(header)).toEqual({ length: header.length, peer })
    expect(parseProxyHeader(Buffer.concat([header, Buffer.from('00000011', 'hex')]))).toEqual({
      length: header.length,
      peer,
    })
  })

  test('wants more bytes until it is whole', () => {
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(header.subarray(0, length)), `${length} bytes`).toBeUndefined()
    }
  })
})

test.each<[string, Buffer, RegExp]>([
  ['a frame', Buffer.from('0000001102', 'hex'), /does not begin with a header of the PROXY protocol/],
  ['an HTTP request', text('GET / HTTP/1.1\r\n'), /does not begin with/],
  ['half a signature', binary('').fill(0, 11), /does not begin with/],
  ['a line without an end', text(`PROXY TCP4 ${'1'.repeat(107)}`), /not a line of at most 107 bytes/],
  ['a line one byte too long', text(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`), /not a line of at most 107 bytes/],
  ['an address of the other family', text('PROXY TCP4 ::1 ::1 1 2\r\n'), /source is not an address of TCP4/],
  ['no address', text('PROXY TCP4 300.0.2.1 203.0.113.7 1 2\r\n'), /source is not an address of TCP4/],
  ['no address of the proxy', text('PROXY TCP6 ::1 203.0.113.7 1 2\r\n'), /destination is not an address of TCP6/],
  ['an address with a zone', text('PROXY TCP6 ::1%eth0 ::1 1 2\r\n'), /source is not an address of TCP6/],
  [
    'a port above 65535',
    text('PROXY TCP4 192.0.2.1 203.0.113.7 1 65536\r\n'),
    /destination's port is not from 0 to 65535/,
  ],
  [
    'a port that is no number',
    text('PROXY TCP4 192.0.2.1 203.0.113.7 0x1 2\r\n'),
    /source's port is not from 0 to 65535/,
  ],
  ['a port missing', text('PROXY TCP4 192.0.2.1 203.0.113.7 1\r\n'), /destination's port is not from 0 to 65535/],
  ['a field too many', text('PROXY TCP4 192.0.2.1 203.0.113.7 1 2 3\r\n'), /something follows its ports/],
  ['a space too many', text('PROXY TCP4  192.0.2.1 203.0.113.7 1 2\r\n'), /source is not an address/],
  ['another transport', text('PROXY UDP4 192.0.2.1 203.0.113.7 1 2\r\n'), /transport is neither TCP4, TCP6 nor UNKN/],
  ['version 3', binary('31 11 000c c0000201 cb007107 cb06 22b8'), /version and command 0x31/],
  ['an unknown command', binary('22 11 000c c0000201 cb007107 cb06 22b8'), /version and command 0x22/],
  ['a length past all bounds', binary('21 11 1001'), /promises 4097 bytes, more than 4096/],
  [
    'addresses that do not fit',
    binary('21 11 000b c0000201 cb007107 cb06 22'),
    /too short for its addresses: 11 bytes/,
  ],
])('refuses %s', (_name, bytes, message) => {
  expect(() => parseProxyHeader(bytes)).toThrow(message)
})

test.each([
  'PROXY secret 192.0.2.1 203.0.113.7 1 2',
  'PROXY TCP4 secret 203.0.113.7 1 2',
  'PROXY TCP4 192.0.2.1 secret 1 2',
  'PROXY TCP6 ::1%secret ::1 1 2',
  'PROXY TCP4 192.0.2.1 203.0.113.7 secret 2',
  'PROXY TCP4 192.0.2.1 203.0.113.7 1 secret',
  'PROXY TCP4 192.0.2.1 203.0.113.7 1 2 secret',
  'PROXY secret',
  `PROXY ${'secret'.repeat(20)}`,
])('says what is wrong, and nothing of what came: %s', (line) => {
  expect(() => parseProxyHeader(text(`${line}\r\n`))).toThrow(/^(?!.*secret).*PROXY protocol/)
})

test('whatever comes, it is a header, wants more, or is refused: never anything else', () => {
  const beginnings = fc.constantFrom(...HEADERS.map(([, header]) => header))
  const mutated = fc
    .tuple(beginnings, fc.nat(300), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 40 }))
    .map(([header, at, byte, rest]) => {
      const bytes = Buffer.concat([header, rest])
      bytes[at % bytes.length] = byte
      return bytes
    })
  fc.assert(
    fc.property(mutated, (bytes) => {
      try {
        const header = parseProxyHeader(bytes)
        if (header === undefined) return
        expect(header.length).toBeGreaterThanOrEqual(15)
        expect(header.length).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(String(error)).toMatch(/PROXY protocol/)
      }
    }),
  )
})
