import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import golden from '../vectors/packets.json' with { type: 'json' }
import { CommandId, createPacketCodec, type Dialect, type Packet, PacketError, type PacketView } from './index.ts'

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const latin1 = (hex: string) => Buffer.from(hex, 'hex').toString('latin1')

/** A view as plain values, so that it can be compared and encoded. */
function plain(view: PacketView): Packet {
  const { command, id } = view
  if (command === CommandId.Conn || command === CommandId.Submit)
    return { command, id, payload: Uint8Array.from(view.payload) }
  return { command, id, result: view.result }
}

interface GoldenPacket {
  command: string
  id?: string
  idHex?: string
  payload?: string
  result?: number
}

function fromVector(packet: GoldenPacket): Packet {
  const { command, id = latin1(packet.idHex ?? ''), payload, result } = packet
  const fields = payload === undefined ? { result } : { payload: fromHex(payload) }
  return { command: CommandId[command as keyof typeof CommandId], id, ...fields } as Packet
}

describe.each(golden.vectors)('golden vector: $name', ({ hex, dialect, packet, error }) => {
  const codec = createPacketCodec({ dialect: dialect as Dialect })
  const bytes = fromHex(hex)
  /** The same bytes between others that must not be read. */
  const amid = fromHex(`ffff${hex}ffff`)

  if (error !== undefined) {
    test(`is refused with ${error}`, () => {
      expect(() => codec.decode(bytes)).toThrow(expect.objectContaining({ name: 'PacketError', code: error }))
      expect(() => codec.decode(amid, 2, 2 + bytes.length)).toThrow(expect.objectContaining({ code: error }))
      expect(() => codec.decodeAck(bytes)).toThrow(expect.objectContaining({ name: 'PacketError', code: error }))
    })
    return
  }

  const expected = fromVector(packet as GoldenPacket)

  test('decodes', () => {
    expect(plain(codec.decode(bytes))).toEqual(expected)
  })

  test('decodes in the middle of other bytes', () => {
    expect(plain(codec.decode(amid, 2, 2 + bytes.length))).toEqual(expected)
  })

  test('decodes as an ack, or is refused as a request', () => {
    if ('result' in expected) {
      expect(plain(codec.decodeAck(amid, 2, 2 + bytes.length))).toEqual(expected)
      return
    }
    const unexpected = { name: 'PacketError', code: 'ERR_PACKET_UNEXPECTED' }
    expect(() => codec.decodeAck(amid, 2, 2 + bytes.length)).toThrow(expect.objectContaining(unexpected))
  })

  test('encodes', () => {
    expect(codec.encodedLength(expected)).toBe(bytes.length)
    expect(codec.encode(expected)).toEqual(bytes)
  })

  test('encodes into the middle of other bytes, and touches none of them', () => {
    const target = new Uint8Array(amid.length).fill(0xff)
    expect(codec.encodeInto(expected, target, 2)).toBe(2 + bytes.length)
    expect(target).toEqual(amid)
  })
})

describe('any packet', () => {
  const id = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 8,
    maxLength: 8,
  })
  const request = fc.record({
    command: fc.constantFrom(CommandId.Conn, CommandId.Submit),
    id,
    payload: fc.uint8Array(),
  })
  const response = fc.record({
    command: fc.constantFrom(CommandId.ConnAck, CommandId.SubmitAck),
    id,
    result: fc.nat(255),
  })
  const dialect = fc.constantFrom<Dialect>('specification', 'go-demo')

  test('decodes to what was encoded', () => {
    fc.assert(
      fc.property(dialect, fc.oneof(request, response), (dialect, packet) => {
        const codec = createPacketCodec({ dialect })
        expect(plain(codec.decode(codec.encode(packet)))).toEqual(packet)
      }),
    )
  })

  test('any bytes decode to a packet that encodes to them, or are refused with a PacketError', () => {
    fc.assert(
      fc.property(dialect, fc.uint8Array({ maxLength: 20 }), (dialect, bytes) => {
        const codec = createPacketCodec({ dialect })
        try {
          expect(codec.encode(plain(codec.decode(bytes)))).toEqual(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(PacketError)
        }
      }),
    )
  })
})

describe('the response to a request', () => {
  test.each([
    ['specification', '01', '81'],
    ['specification', '02', '82'],
    ['go-demo', '01', '80'],
    ['go-demo', '02', '81'],
  ] as const)('in the %s dialect: %s is answered by %s', (dialect, request, response) => {
    const codec = createPacketCodec({ dialect })
    const view = codec.decode(fromHex(`${request}00ff8061626364ee7878`))
    if (view.command !== CommandId.Conn && view.command !== CommandId.Submit) throw new Error('no request')
    const target = new Uint8Array(12).fill(0xaa)
    expect(codec.writeAck(view, 1, target, 1)).toBe(11)
    expect(target).toEqual(fromHex(`aa${response}00ff8061626364ee01aa`))
    expect(() => codec.writeAck(view, 1, target, 3)).toThrow(
      new RangeError('a packet of 10 bytes at offset 3 does not fit into a target of 12 bytes'),
    )
  })
})

test('a copy does not keep the chunk', () => {
  const chunk = fromHex('ffff02303030303030303168656c6c6fffff')
  const view = createPacketCodec().decode(chunk, 2, 16)
  const copy = view.copy()
  chunk.fill(0)
  expect(plain(copy)).toEqual({ command: CommandId.Submit, id: '00000001', payload: fromHex('68656c6c6f') })
  expect(copy.bytes.buffer.byteLength).toBe(14)
})

test('a view has its serial number and the length of its payload', () => {
  const submit = createPacketCodec().decode(fromHex('02303031323334353668656c6c6f'))
  expect(submit).toMatchObject({ serial: 123456, payloadLength: 5 })
  expect(createPacketCodec().decode(fromHex('02303031323334353a')).serial).toBe(-1)
})

describe('encoding refuses', () => {
  const codec = createPacketCodec()

  test.each(['', '1', '123456789', '1234567€'])('an ID %j', (id) => {
    expect(() => codec.encode({ command: CommandId.Submit, id, payload: new Uint8Array() })).toThrow(
      expect.objectContaining({
        code: 'ERR_PACKET_INVALID',
        message: `invalid ID ${JSON.stringify(id)}: expected eight characters of one byte each`,
      }),
    )
  })

  test.each([-1, 256, 0.5, Number.NaN])('a result %s', (result) => {
    expect(() => codec.encode({ command: CommandId.SubmitAck, id: '00000001', result })).toThrow(
      expect.objectContaining({
        code: 'ERR_PACKET_INVALID',
        message: `invalid result ${result}: expected an integer from 0 to 255`,
      }),
    )
  })

  test('an unknown command', () => {
    const packet = { command: 0x03 as typeof CommandId.Submit, id: '00000001', payload: new Uint8Array() }
    expect(() => codec.encode(packet)).toThrow(
      expect.objectContaining({ code: 'ERR_PACKET_INVALID', message: 'invalid command 3: expected one of CommandId' }),
    )
  })

  test('a packet that does not fit', () => {
    expect(() =>
      codec.encodeInto({ command: CommandId.SubmitAck, id: '00000001', result: 0 }, new Uint8Array(9), 0),
    ).toThrow(RangeError)
  })
})

test('a packet of the other dialect is recognized where it differs', () => {
  expect(() => createPacketCodec().decode(fromHex('80303030303030303100'))).toThrow(
    '0x80 is not a command of the specification dialect; the peer seems to speak the go-demo dialect',
  )
  expect(() => createPacketCodec({ dialect: 'go-demo' }).decode(fromHex('82303030303030303100'))).toThrow(
    '0x82 is not a command of the go-demo dialect; the peer seems to speak the specification dialect',
  )
})

test('an unknown dialect is refused', () => {
  expect(() => createPacketCodec({ dialect: 'go' as Dialect })).toThrow(
    new RangeError("invalid dialect 'go': expected specification or go-demo"),
  )
})
