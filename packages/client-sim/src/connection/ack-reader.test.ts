import { createPacketCodec, type Dialect } from '@demo/packet'
import { bytesOf, connAck, frame, goDemo, hexOf, id, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { AckReader } from './ack-reader.ts'

interface Ack {
  readonly command: number
  readonly serial: number
  readonly result: number
}

/** Reads chunks in hex, and returns the responses in them. */
function readAll(chunks: readonly string[], dialect: Dialect = 'specification'): { acks: Ack[]; reader: AckReader } {
  const reader = new AckReader(createPacketCodec({ dialect }))
  const acks: Ack[] = []
  for (const chunk of chunks) read(reader, chunk, acks)
  return { acks, reader }
}

/** Takes a chunk, and returns all complete responses. */
function read(reader: AckReader, chunk: string, acks: Ack[]): void {
  reader.push(bytesOf(chunk))
  for (let ack = reader.next(); ack !== undefined; ack = reader.next()) {
    const { command, serial, result } = ack
    acks.push({ command, serial, result })
  }
}

/** The error that reading throws. */
function errorOf(chunks: readonly string[], dialect?: Dialect): unknown {
  try {
    readAll(chunks, dialect)
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const STREAM = connAck(1) + submitAck(2, 1) + submitAck(99_999_999, 254)
const STREAM_ACKS: Ack[] = [
  { command: 0x81, serial: 1, result: 0 },
  { command: 0x82, serial: 2, result: 1 },
  { command: 0x82, serial: 99_999_999, result: 254 },
]

test('reads responses from one chunk', () => {
  expect(readAll([STREAM]).acks).toEqual(STREAM_ACKS)
})

test('reads responses byte by byte', () => {
  expect(readAll(STREAM.match(/../g) ?? []).acks).toEqual(STREAM_ACKS)
})

test('reads responses cut at every point', () => {
  for (let place = 2; place < STREAM.length; place += 2) {
    expect(readAll([STREAM.slice(0, place), STREAM.slice(place)]).acks).toEqual(STREAM_ACKS)
  }
})

test('reads the responses of the Go demo’s dialect, numbered as in the specification', () => {
  expect(readAll([goDemo.connAck(1) + goDemo.submitAck(2, 1)], 'go-demo').acks).toEqual([
    { command: 0x81, serial: 1, result: 0 },
    { command: 0x82, serial: 2, result: 1 },
  ])
})

test('returns the responses before an invalid one', () => {
  const reader = new AckReader(createPacketCodec())
  const acks: Ack[] = []
  expect(() => read(reader, submitAck(1) + submitAck(2) + frame(''), acks)).toThrow()
  expect(acks.map(({ serial }) => serial)).toEqual([1, 2])
})

test('passes on a fault that is not the server’s', () => {
  const fault = new TypeError('a fault of the decoder')
  const codec = createPacketCodec()
  const reader = new AckReader({
    ...codec,
    decodeAckUnchecked() {
      throw fault
    },
  })
  expect(() => read(reader, submitAck(1), [])).toThrow(fault)
})

describe('the server breaks the protocol', () => {
  test.each([
    ['a Submit', submit(1, 'cafe'), 'ERR_PACKET_UNEXPECTED', 'a client received a request'],
    ['a Conn', frame(`01${id(1)}`), 'ERR_PACKET_UNEXPECTED', 'a client received a request'],
    ['an empty packet', frame(''), 'ERR_PACKET_MALFORMED', 'the packet is empty'],
    ['a SubmitAck without its result', frame(`82${id(1)}`), 'ERR_PACKET_MALFORMED', 'expected 10'],
    ['a SubmitAck with a byte too many', frame(`82${id(1)}0000`), 'ERR_PACKET_MALFORMED', 'expected 10'],
    ['a ConnAck with a byte too many', frame(`81${id(1)}0000`), 'ERR_PACKET_MALFORMED', 'expected 10'],
    ['an unknown command', frame(`7f${id(1)}00`), 'ERR_PACKET_UNKNOWN_COMMAND', '0x7f is not a command'],
    ['a frame shorter than its header', '00000003', 'ERR_FRAME_TOO_SHORT', 'less than the header itself'],
    ['a frame above the maximum', '00100001', 'ERR_FRAME_TOO_LONG', 'more than the maximum of 1048576'],
  ])('with %s', (_what, hex, code, message) => {
    expect(errorOf([hex])).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringMatching(new RegExp(`^the server broke the protocol: .*${message}`)),
      cause: { code },
    })
  })

  test('with HTTP, and the error says so', () => {
    expect(errorOf([hexOf('HTTP/1.1 400 Bad Request\r\n')])).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringContaining('the peer seems to speak HTTP'),
      cause: { code: 'ERR_FRAME_TOO_LONG' },
    })
  })

  test.each<[Dialect, string, string]>([
    ['specification', goDemo.connAck(1), 'the peer seems to speak the go-demo dialect'],
    ['go-demo', submitAck(1), 'the peer seems to speak the specification dialect'],
  ])('with a response of the other dialect than %s, and the error says so', (dialect, hex, hint) => {
    expect(errorOf([hex], dialect)).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringContaining(hint),
      cause: { code: 'ERR_PACKET_UNKNOWN_COMMAND' },
    })
  })
})

describe('the stream ends', () => {
  test('between two frames: all is well', () => {
    const { reader } = readAll([submitAck(1)])
    expect(() => reader.finish()).not.toThrow()
  })

  test('before anything came: all is well', () => {
    expect(() => readAll([]).reader.finish()).not.toThrow()
  })

  test.each([2, 8, 10, 26])('after %d digits of a frame: it was truncated', (digits) => {
    const { reader } = readAll([submitAck(1), submitAck(2).slice(0, digits)])
    expect(() => reader.finish()).toThrow(
      expect.objectContaining({
        name: 'ClientError',
        code: 'ERR_CLIENT_PROTOCOL',
        message: expect.stringContaining('the server broke the protocol: the stream ended inside'),
        cause: expect.objectContaining({ code: 'ERR_FRAME_TRUNCATED', offset: 14 }),
      }),
    )
  })
})
