import { expect, test } from 'vitest'
import { FrameDecoder } from './index.ts'

function hintFor(firstBytes: string | number[]): string | undefined {
  const decoder = new FrameDecoder()
  decoder.push(typeof firstBytes === 'string' ? new TextEncoder().encode(firstBytes) : Uint8Array.from(firstBytes))
  try {
    decoder.next()
  } catch (error) {
    return (error as { hint?: string }).hint
  }
  throw new Error('the decoder took it for a frame')
}

test.each([
  ['GET / HTTP/1.1\r\n', 'the peer seems to speak HTTP'],
  ['HTTP/1.1 400 Bad Request\r\n', 'the peer seems to speak HTTP'],
  ['PRI * HTTP/2.0\r\n', 'the peer seems to speak HTTP/2'],
  ['SSH-2.0-OpenSSH_9.2\r\n', 'the peer seems to speak SSH'],
  ['*1\r\n$4\r\nPING\r\n', 'the peer seems to speak Redis'],
  ['PING\r\n', 'the peer seems to speak Redis'],
  ['PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n', 'the peer seems to speak the PROXY protocol, version 1'],
  ['\r\n\r\n\0\r\nQUIT\n', 'the peer seems to speak the PROXY protocol, version 2'],
  ['EHLO example.org\r\n', 'the peer seems to speak SMTP'],
  [[0x16, 0x03, 0x01, 0x02, 0x00], 'the peer seems to speak TLS'],
  [[0x15, 0x03, 0x03, 0x00, 0x02], 'the peer seems to speak TLS'],
  [[0x26, 0x00, 0x00, 0x00, 0x02], 'the peer seems to send its lengths in little-endian'],
  [[0xde, 0xad, 0xbe, 0xef], undefined],
])('%j → %s', (firstBytes, hint) => {
  expect(hintFor(firstBytes)).toBe(hint)
})

test('a hint is given at the beginning of a stream only', () => {
  const decoder = new FrameDecoder()
  decoder.push(new TextEncoder().encode('\0\0\0\x05aGET / HTTP/1.1\r\n'))
  expect(decoder.next()).toBe(true)
  expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'ERR_FRAME_TOO_LONG', hint: undefined }))
})
