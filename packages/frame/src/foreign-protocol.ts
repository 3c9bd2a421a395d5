/** The first four bytes of other protocols, and their names. */
const GREETINGS: ReadonlyArray<readonly [prefix: string, protocol: string]> = [
  ['GET ', 'HTTP'],
  ['HEAD', 'HTTP'],
  ['POST', 'HTTP'],
  ['PUT ', 'HTTP'],
  ['DELE', 'HTTP'],
  ['OPTI', 'HTTP'],
  ['PATC', 'HTTP'],
  ['CONN', 'HTTP'],
  ['TRAC', 'HTTP'],
  ['HTTP', 'HTTP'],
  ['PRI ', 'HTTP/2'],
  ['SSH-', 'SSH'],
  ['PROX', 'the PROXY protocol, version 1'],
  ['\r\n\r\n', 'the PROXY protocol, version 2'],
  ['PING', 'Redis'],
  ['+PON', 'Redis'],
  ['+OK\r', 'Redis'],
  ['-ERR', 'Redis'],
  ['AMQP', 'AMQP'],
  ['EHLO', 'SMTP'],
  ['HELO', 'SMTP'],
  ['220 ', 'SMTP or FTP'],
  ['220-', 'SMTP or FTP'],
  ['stat', 'memcached'],
  ['get ', 'memcached'],
  ['set ', 'memcached'],
]

const TLS_HANDSHAKE = 0x16
const TLS_ALERT = 0x15
const TLS_MAJOR_VERSION = 0x03

/**
 * Guesses the protocol of a stream whose first four bytes are not a valid header.
 *
 * @param word the first four bytes of the stream, as a big-endian unsigned integer
 * @param maxFrameLength the longest frame that the receiver accepts, in bytes
 * @returns a hint for the error message, or undefined
 */
export function guessForeignProtocol(word: number, maxFrameLength: number): string | undefined {
  const b0 = word >>> 24
  const b1 = (word >>> 16) & 0xff
  const b2 = (word >>> 8) & 0xff
  const b3 = word & 0xff
  const text = String.fromCharCode(b0, b1, b2, b3)
  for (const [prefix, protocol] of GREETINGS) {
    if (prefix === text) return `the peer seems to speak ${protocol}`
  }
  // TLS record: content type, then the version 3.x in two bytes (RFC 8446, section 5.1).
  if ((b0 === TLS_HANDSHAKE || b0 === TLS_ALERT) && b1 === TLS_MAJOR_VERSION) return 'the peer seems to speak TLS'
  // Redis serialization protocol: an array with its number of elements, `*3\r\n`.
  if (b0 === 0x2a && b1 >= 0x30 && b1 <= 0x39) return 'the peer seems to speak Redis'
  const swapped = ((b3 << 24) | (b2 << 16) | (b1 << 8) | b0) >>> 0
  if (swapped >= 4 && swapped <= maxFrameLength) return 'the peer seems to send its lengths in little-endian'
  return undefined
}
