import { FrameError } from '@demo/frame'
import { PacketError } from '@demo/packet'
import { waitFor } from '@demo/testkit/wait-for'
import { conn, connAck, filler, frame, id, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { CLOSE_REASONS, type CloseReason, type Handlers, type ServerOptions, type Session } from '../index.ts'
import { Gate, type Running, startServer } from '../testing/harness.ts'
import { describeWithReset, testWithReset } from '../testing/transports.ts'

/** How often each reason was counted: all zero but those given. */
function countsOf(expected: Partial<Record<CloseReason, number>>): Record<string, number> {
  return { ...Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])), ...expected }
}

/** Remembers the IDs of the Submits it was called for. */
function remember(): { seen: string[]; onSubmit: NonNullable<Handlers['onSubmit']> } {
  const seen: string[] = []
  return {
    seen,
    onSubmit(submit) {
      seen.push(submit.id)
    },
  }
}

describe('answers', () => {
  test('a Submit with a SubmitAck, a Conn with a ConnAck', async () => {
    const { connect } = await startServer()
    const peer = await connect()
    peer.send('0000000d 01 3030303030303031'.replaceAll(' ', ''))
    expect(await peer.receive(14)).toBe('0000000e81303030303030303100')
    peer.send('0000000f 02 3030303030303032 cafe'.replaceAll(' ', ''))
    expect(await peer.receive(28)).toBe('0000000e81303030303030303100' + '0000000e8230303030303030' + '3200')
  })

  test('with 0x80 and 0x81 in the Go demo’s dialect', async () => {
    const { connect } = await startServer({}, { dialect: 'go-demo' })
    const peer = await connect()
    peer.send('0000000d013030303030303031' + '0000000f023030303030303032cafe')
    expect(await peer.receive(28)).toBe('0000000e80303030303030303100' + '0000000e81303030303030303200')
  })

  test('with failure, in both dialects', async () => {
    const handlers: Partial<Handlers> = { onSubmit: () => 1 }
    const specification = await (await startServer(handlers)).connect()
    specification.send(submit(1))
    expect(await specification.receive(14)).toBe('0000000e82303030303030303101')
    const goDemo = await (await startServer(handlers, { dialect: 'go-demo' })).connect()
    goDemo.send(submit(1))
    expect(await goDemo.receive(14)).toBe('0000000e81303030303030303101')
  })

  test.each([
    ['digits', '3939393939393939'],
    ['zeros', '0000000000000000'],
    ['all bits set', 'ffffffffffffffff'],
    ['no UTF-8', 'c328a0a1e28228ff'],
    ['text', '2d312e3565313020'],
    ['bytes that look like a frame', '0000000e82303030'],
  ])('with the ID as it came, byte for byte: %s', async (_name, hex) => {
    const { connect } = await startServer({ onConn: () => 0 })
    const peer = await connect()
    peer.send(frame(`01${hex}`) + frame(`02${hex}`) + frame(`02${hex}aabbcc`))
    expect(await peer.receive(42)).toBe(['81', '82', '82'].map((command) => `0000000e${command}${hex}00`).join(''))
  })

  test('the same ID as often as it comes', async () => {
    const { connect } = await startServer()
    const peer = await connect()
    peer.send(submit(5).repeat(3))
    expect(await peer.receive(42)).toBe(submitAck(5).repeat(3))
  })

  test('hands the handler the ID, the serial number and the payload', async () => {
    const seen: unknown[] = []
    const { connect } = await startServer({
      onSubmit({ id, serial, payload, payloadLength }) {
        seen.push({ id, serial, payload: Buffer.from(payload).toString('hex'), payloadLength })
      },
    })
    const peer = await connect()
    peer.send(submit(7, 'cafe') + submit(8))
    await peer.receive(28)
    expect(seen).toEqual([
      { id: '00000007', serial: 7, payload: 'cafe', payloadLength: 2 },
      { id: '00000008', serial: 8, payload: '', payloadLength: 0 },
    ])
  })

  test('a lone request in the turn in which it came: nothing waits for more', async () => {
    const writesBefore: number[] = []
    const running: Running = await startServer({
      onSubmit() {
        // The first thing that could happen after this turn.
        setImmediate(() => writesBefore.push(running.serverSides[0]?.writes.length ?? 0))
        return 0
      },
    })
    const { peer } = await running.open()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(writesBefore).toEqual([1])
  })

  test('a lone request in the turn in which it came, also when its handler is async', async () => {
    const writesBefore: number[] = []
    const running: Running = await startServer({
      async onSubmit(): Promise<0> {
        setImmediate(() => writesBefore.push(running.serverSides[0]?.writes.length ?? 0))
        await undefined
        return 0
      },
    })
    const { peer } = await running.open()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(writesBefore).toEqual([1])
  })

  test('a request that comes in single bytes, each by itself', async () => {
    const { open } = await startServer()
    const { peer, session } = await open()
    const bytes = Buffer.from(submit(1, 'cafe') + submit(2), 'hex')
    for (let i = 0; i < bytes.length; i++) {
      peer.send(bytes.subarray(i, i + 1))
      await waitFor(
        () => session.receivedBytes === i + 1,
        () => `for byte ${i} to be received`,
      )
      // Never before the last byte of its frame, and at once then.
      expect(session.requests).toBe(i + 1 < 15 ? 0 : i + 1 < 28 ? 1 : 2)
    }
    expect(await peer.receive(28)).toBe(submitAcks(1, 2))
  })

  test('frames cut at every point', async () => {
    const { open } = await startServer()
    const { peer, session } = await open()
    const bytes = Buffer.from(submit(1, 'cafe') + submit(2) + submit(3, filler(20)), 'hex')
    let expected = ''
    for (let place = 1; place < bytes.length; place++) {
      const before = session.receivedBytes
      peer.send(bytes.subarray(0, place))
      await waitFor(
        () => session.receivedBytes === before + place,
        () => `for the first ${place} bytes`,
      )
      peer.send(bytes.subarray(place))
      expected += submitAcks(1, 3)
      expect(await peer.receive(expected.length / 2)).toBe(expected)
    }
  })

  test('requests of sync handlers in order', async () => {
    const { connect } = await startServer({ onSubmit: ({ serial }) => (serial % 3 === 0 ? 1 : 0) })
    const peer = await connect()
    peer.send(submits(1, 200))
    let expected = ''
    for (let serial = 1; serial <= 200; serial++) expected += submitAck(serial, serial % 3 === 0 ? 1 : 0)
    expect(await peer.receive(200 * 14)).toBe(expected)
  })

  test('requests of async handlers in the order in which they settle', async () => {
    const gate = new Gate()
    const { connect } = await startServer({ onSubmit: gate.wait })
    const peer = await connect()
    peer.send(submits(1, 3))
    await gate.holds(3)
    const [first, second, third] = gate.waiting
    third?.settle(0)
    expect(await peer.receive(14)).toBe(submitAck(3))
    first?.settle(1)
    expect(await peer.receive(28)).toBe(submitAck(3) + submitAck(1, 1))
    second?.settle(undefined)
    expect(await peer.receive(42)).toBe(submitAck(3) + submitAck(1, 1) + submitAck(2))
  })

  test('a quick request before a slow one that came first', async () => {
    const gate = new Gate()
    const { connect } = await startServer({ onSubmit: (submit) => (submit.serial === 1 ? gate.wait(submit) : 0) })
    const peer = await connect()
    peer.send(submits(1, 3))
    expect(await peer.receive(28)).toBe(submitAcks(2, 3))
    gate.release()
    expect(await peer.receive(42)).toBe(submitAcks(2, 3) + submitAck(1))
  })
})

describe('frame lengths', () => {
  const bodyOf = (length: number) => `02${filler(Math.max(0, length - 5))}`.slice(0, 2 * Math.max(0, length - 4))
  const header = (length: number) => length.toString(16).padStart(8, '0')

  test.each([0, 1, 2, 3])('%d is a frame error as soon as it is in', async (length) => {
    const { connect, untilClosed } = await startServer()
    const peer = await connect()
    peer.send(header(length))
    expect(await peer.receiveAll()).toBe('')
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({
      reason: 'frame-error',
      error: { code: 'ERR_FRAME_TOO_SHORT', frameLength: length },
    })
  })

  test.each([4, 5, 6, 7, 8, 9, 10, 11, 12])('%d is a frame, and a packet error', async (length) => {
    const { connect, untilClosed } = await startServer()
    const peer = await connect()
    peer.send(header(length) + bodyOf(length))
    expect(await peer.receiveAll()).toBe('')
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'packet-error', error: { code: 'ERR_PACKET_MALFORMED' } })
  })

  test.each([13, 14])('%d is a request', async (length) => {
    const { connect } = await startServer()
    const peer = await connect()
    peer.send(header(length) + bodyOf(length))
    expect(await peer.receive(14)).toBe('0000000e82abababababababab00')
  })

  test.each([13, 64, 1024 * 1024])('%d is a request when it is the maximum, one more is an error', async (max) => {
    const { connect, untilClosed } = await startServer({}, { maxFrameLength: max })
    const peer = await connect()
    peer.send(header(max) + bodyOf(max))
    expect(await peer.receive(14)).toBe('0000000e82abababababababab00')
    peer.send(header(max + 1))
    await peer.receiveAll()
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({
      reason: 'frame-error',
      error: { code: 'ERR_FRAME_TOO_LONG', frameLength: max + 1, maxFrameLength: max, offset: max },
    })
  })

  test('1 MiB is the maximum unless told otherwise', async () => {
    const { connect, untilClosed } = await startServer()
    const peer = await connect()
    peer.send(header(1_048_576) + bodyOf(1_048_576) + header(1_048_577))
    expect(await peer.receiveAll()).toBe('0000000e82abababababababab00')
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'frame-error', error: { maxFrameLength: 1_048_576 } })
  })

  test.each([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1])('%d is too long, never negative', async (length) => {
    const { connect, untilClosed } = await startServer()
    const peer = await connect()
    peer.send(header(length))
    expect(await peer.receiveAll()).toBe('')
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'frame-error', error: { code: 'ERR_FRAME_TOO_LONG', frameLength: length } })
  })

  test.each([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1])('%d is waited for without a maximum', async (length) => {
    const { open, untilClosed } = await startServer({}, { maxFrameLength: 0 })
    const { peer } = await open()
    peer.end(header(length) + bodyOf(20))
    expect(await peer.receiveAll()).toBe('')
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({
      reason: 'frame-error',
      error: { code: 'ERR_FRAME_TRUNCATED', frameLength: length },
    })
  })
})

interface Malformed {
  readonly name: string
  readonly bytes: string
  readonly reason: CloseReason
  readonly code: string
  readonly options?: ServerOptions
  /** What comes first, besides two Submits. */
  readonly before?: string
  readonly ackBefore?: string
  /** The peer ends its side after it. */
  readonly ends?: boolean
}

const MALFORMED: Malformed[] = [
  { name: 'a length of 0', bytes: '00000000', reason: 'frame-error', code: 'ERR_FRAME_TOO_SHORT' },
  { name: 'a length of 3', bytes: '00000003', reason: 'frame-error', code: 'ERR_FRAME_TOO_SHORT' },
  { name: 'a length above the maximum', bytes: '00100001', reason: 'frame-error', code: 'ERR_FRAME_TOO_LONG' },
  { name: 'an HTTP request', bytes: '474554202f', reason: 'frame-error', code: 'ERR_FRAME_TOO_LONG' },
  { name: 'an end inside a header', bytes: '000000', ends: true, reason: 'frame-error', code: 'ERR_FRAME_TRUNCATED' },
  { name: 'an end after a header', bytes: '0000000d', ends: true, reason: 'frame-error', code: 'ERR_FRAME_TRUNCATED' },
  {
    name: 'an end before a frame’s last byte',
    bytes: submit(9).slice(0, -2),
    ends: true,
    reason: 'frame-error',
    code: 'ERR_FRAME_TRUNCATED',
  },
  { name: 'an empty packet', bytes: '00000004', reason: 'packet-error', code: 'ERR_PACKET_MALFORMED' },
  { name: 'command 0x00', bytes: frame(`00${id(9)}`), reason: 'packet-error', code: 'ERR_PACKET_UNKNOWN_COMMAND' },
  { name: 'command 0x03', bytes: frame(`03${id(9)}`), reason: 'packet-error', code: 'ERR_PACKET_UNKNOWN_COMMAND' },
  { name: 'command 0x80', bytes: frame(`80${id(9)}00`), reason: 'packet-error', code: 'ERR_PACKET_UNKNOWN_COMMAND' },
  { name: 'command 0xff', bytes: frame('ff'), reason: 'packet-error', code: 'ERR_PACKET_UNKNOWN_COMMAND' },
  {
    name: 'a Submit of 8 bytes',
    bytes: '0000000c02303030303030' + '30',
    reason: 'packet-error',
    code: 'ERR_PACKET_MALFORMED',
  },
  { name: 'a Submit of 1 byte', bytes: '0000000502', reason: 'packet-error', code: 'ERR_PACKET_MALFORMED' },
  {
    name: 'a Conn of 8 bytes',
    bytes: '0000000c01303030303030' + '30',
    reason: 'packet-error',
    code: 'ERR_PACKET_MALFORMED',
  },
  { name: 'a SubmitAck of 9 bytes', bytes: frame(`82${id(9)}`), reason: 'packet-error', code: 'ERR_PACKET_MALFORMED' },
  {
    name: 'a SubmitAck of 11 bytes',
    bytes: frame(`82${id(9)}0000`),
    reason: 'packet-error',
    code: 'ERR_PACKET_MALFORMED',
  },
  { name: 'a ConnAck of 9 bytes', bytes: frame(`81${id(9)}`), reason: 'packet-error', code: 'ERR_PACKET_MALFORMED' },
  { name: 'a SubmitAck', bytes: submitAck(9), reason: 'packet-error', code: 'ERR_PACKET_UNEXPECTED' },
  { name: 'a ConnAck', bytes: connAck(9), reason: 'packet-error', code: 'ERR_PACKET_UNEXPECTED' },
  {
    name: 'a ConnAck of the Go demo',
    bytes: frame(`80${id(9)}00`),
    reason: 'packet-error',
    code: 'ERR_PACKET_UNEXPECTED',
    options: { dialect: 'go-demo' },
  },
  {
    name: 'a SubmitAck of the specification, to the Go demo’s dialect',
    bytes: submitAck(9),
    reason: 'packet-error',
    code: 'ERR_PACKET_UNKNOWN_COMMAND',
    options: { dialect: 'go-demo' },
  },
  {
    name: 'a second Conn',
    before: conn(0),
    ackBefore: connAck(0),
    bytes: conn(9),
    reason: 'packet-error',
    code: 'ERR_PACKET_UNEXPECTED',
  },
]

/** The acks of the Submits that come first, in the dialect of the server. */
function acksOf({ options, ackBefore = '' }: Malformed, first: number, last: number): string {
  const acks = submitAcks(first, last)
  return ackBefore + (options?.dialect === 'go-demo' ? acks.replaceAll('0e82', '0e81') : acks)
}

describe.each(MALFORMED)('after $name', (row) => {
  const { bytes, reason, code, options = {}, before = '', ends = false } = row

  /** What follows the error in the same chunk, and must not be handled. */
  const after = ends ? '' : submit(77)

  test('the connection is closed, once, and no other feels it', async () => {
    const { seen, onSubmit } = remember()
    const { server, open, untilClosed } = await startServer({ onSubmit }, options)
    const bystander = await open()
    const { peer, session } = await open()
    if (ends) peer.end(before + bytes)
    else peer.send(before + bytes + after)
    await peer.receiveAll()
    await peer.untilClosed()
    expect(peer.error).toBeUndefined()

    const closings = await untilClosed(1)
    expect(closings).toEqual([{ session, reason, error: expect.objectContaining({ code }) }])
    const [closing] = closings
    expect(closing?.error).toBeInstanceOf(reason === 'frame-error' ? FrameError : PacketError)
    expect(session.state).toBe('closed')
    expect(seen).toEqual([])

    expect(bystander.session.state).toBe('open')
    bystander.peer.end(submit(1))
    expect(await bystander.peer.receiveAll()).toBe(acksOf({ ...row, ackBefore: '' }, 1, 1))
    await untilClosed(2)
    expect(closings.map((one) => one.reason)).toEqual([reason, 'peer-closed'])
    expect(server.counters.connectionsClosed).toEqual(countsOf({ [reason]: 1, 'peer-closed': 1 }))
    expect(server.sessions.size).toBe(0)
  })

  test('the requests before it are answered, then comes the FIN', async () => {
    const { seen, onSubmit } = remember()
    const { connect, untilClosed } = await startServer({ onSubmit }, options)
    const peer = await connect()
    const sent = before + submits(1, 3) + bytes
    if (ends) peer.end(sent)
    else peer.send(sent + after)
    expect(await peer.receiveAll()).toBe(acksOf(row, 1, 3))
    await untilClosed(1)
    expect(peer.error).toBeUndefined()
    expect(seen).toEqual(['00000001', '00000002', '00000003'])
  })

  test('the requests in flight are answered, then comes the FIN', async () => {
    const gate = new Gate()
    const { open, untilClosed, closings } = await startServer({ onSubmit: gate.wait }, options)
    const { peer, session } = await open()
    const sent = before + submits(1, 3) + bytes
    if (ends) peer.end(sent)
    else peer.send(sent + after)
    await gate.holds(3)
    await waitFor(
      () => session.state === 'answering',
      () => `for the error to be seen; the session is ${session.state}`,
    )
    expect(closings).toEqual([])
    expect(peer.ended).toBe(false)
    gate.release()
    expect(await peer.receiveAll()).toBe(acksOf(row, 1, 3))
    expect(await untilClosed(1)).toMatchObject([{ reason, error: { code } }])
    expect(gate.waiting).toEqual([])
  })
})

describe('a peer that goes on sending after an error', () => {
  test('gets the acks and the FIN all the same, no reset', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open({ holdsOn: true })
    peer.send(submits(1, 3) + frame('ff'))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 3))
    // What comes now is thrown away.
    const before = session.receivedBytes
    await peer.sent(Buffer.alloc(200_000))
    await waitFor(
      () => session.receivedBytes === before + 200_000,
      () => `for the server to take it; it took ${session.receivedBytes - before}`,
    )
    expect(session.state).toBe('lingering')
    peer.end()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'packet-error' }])
    await peer.untilClosed()
    expect(peer.error).toBeUndefined()
    expect(session.requests).toBe(3)
  })
})

describe('a required Conn', () => {
  const accepts: Partial<Handlers> = { onConn: () => 0 }

  test('opens the way for Submits', async () => {
    const { open } = await startServer(accepts)
    const { peer, session } = await open()
    expect(session.authenticated).toBe(false)
    peer.send(conn(1, '746f6b656e'))
    expect(await peer.receive(14)).toBe(connAck(1))
    expect(session.authenticated).toBe(true)
    peer.send(submit(2))
    expect(await peer.receive(28)).toBe(connAck(1) + submitAck(2))
  })

  test('hands onConn the credentials, and the session to remember who it is', async () => {
    const seen: unknown[] = []
    const { connect } = await startServer<{ user: string }>({
      onConn(conn, { session }) {
        session.data = { user: Buffer.from(conn.payload).toString() }
        return 0
      },
      onSubmit(_submit, { session }) {
        seen.push(session.data, session.authenticated)
      },
    })
    const peer = await connect()
    peer.send(conn(1, '6d69726961') + submit(2))
    await peer.receive(28)
    expect(seen).toEqual([{ user: 'miria' }, true])
  })

  test('a Submit before it is a packet error, and not handled', async () => {
    const { seen, onSubmit } = remember()
    const { server, connect, untilClosed } = await startServer({ ...accepts, onSubmit })
    const peer = await connect()
    peer.send(submit(1) + conn(2) + submit(3))
    expect(await peer.receiveAll()).toBe('')
    expect(await untilClosed(1)).toMatchObject([{ reason: 'packet-error', error: { code: 'ERR_PACKET_UNEXPECTED' } }])
    expect(server.counters).toMatchObject({ requestsReceived: 0, responsesSent: 0 })
    expect(seen).toEqual([])
  })

  test.each([
    ['at once', (): 0 | 1 => 1],
    ['with a promise', async (): Promise<0 | 1> => 1],
    [
      'with a throw',
      (): 0 | 1 => {
        throw new Error('who are you')
      },
    ],
    ['with a rejection', (): Promise<0 | 1> => Promise.reject(new Error('who are you'))],
  ])('that is refused %s is answered with 1, then the connection is closed', async (_how, onConn) => {
    const { seen, onSubmit } = remember()
    const { server, open, untilClosed } = await startServer({ onConn, onSubmit })
    const bystander = await open()
    const { peer, session } = await open()
    peer.send(conn(1, 'ff') + submit(2) + submit(3))
    expect(await peer.receiveAll()).toBe(connAck(1, 1))
    const closings = await untilClosed(1)
    expect(closings).toEqual([{ session, reason: 'unauthorized', error: undefined }])
    expect(session.authenticated).toBe(false)
    expect(seen).toEqual([])
    expect(server.counters).toMatchObject({ requestsReceived: 1, failures: 1, unanswered: 0 })
    expect(server.counters.connectionsClosed).toEqual(countsOf({ unauthorized: 1 }))
    expect(bystander.session.state).toBe('open')
  })

  test('whose answer takes its time keeps the Submits behind it waiting', async () => {
    const gate = new Gate()
    const { seen, onSubmit } = remember()
    const { open } = await startServer({ onConn: gate.wait, onSubmit })
    const { peer, session, serverSide } = await open()
    peer.send(conn(1) + submits(2, 4))
    await gate.holds(1)
    expect(serverSide.paused).toBe(true)
    expect(seen).toEqual([])
    expect(session.inFlight).toBe(1)
    gate.release(0)
    expect(await peer.receive(56)).toBe(connAck(1) + submitAcks(2, 4))
    expect(seen).toEqual(['00000002', '00000003', '00000004'])
  })

  test('whose answer takes its time, and is no: the Submits behind it are not handled', async () => {
    const gate = new Gate()
    const { seen, onSubmit } = remember()
    const { connect, untilClosed } = await startServer({ onConn: gate.wait, onSubmit })
    const peer = await connect()
    peer.send(conn(1) + submits(2, 4))
    await gate.holds(1)
    gate.release(1)
    expect(await peer.receiveAll()).toBe(connAck(1, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'unauthorized', error: undefined }])
    expect(seen).toEqual([])
  })

  test('a second one while the first is pending is an error; the first is answered', async () => {
    const gate = new Gate()
    const { connect, untilClosed } = await startServer({ onConn: gate.wait })
    const peer = await connect()
    peer.send(conn(1) + conn(2))
    await gate.holds(1)
    gate.release(0)
    expect(await peer.receiveAll()).toBe(connAck(1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'packet-error', error: { code: 'ERR_PACKET_UNEXPECTED' } }])
  })

  test('a frame of 4 KiB is taken before it, one byte more is an error', async () => {
    const { connect, untilClosed } = await startServer(accepts)
    const fits = await connect()
    fits.send(conn(1, filler(4096 - 13)))
    expect(await fits.receive(14)).toBe(connAck(1))
    const tooLong = await connect()
    tooLong.send('00001001')
    expect(await tooLong.receiveAll()).toBe('')
    expect(await untilClosed(1)).toMatchObject([
      { reason: 'frame-error', error: { code: 'ERR_FRAME_TOO_LONG', frameLength: 4097, maxFrameLength: 4096 } },
    ])
  })

  test('opens the way for longer frames, also in the same chunk', async () => {
    const { connect } = await startServer(accepts)
    const peer = await connect()
    peer.send(conn(1) + submit(2, filler(5000)))
    expect(await peer.receive(28)).toBe(connAck(1) + submitAck(2))
  })

  test('opens the way for longer frames, also when its answer takes its time', async () => {
    const gate = new Gate()
    const { connect } = await startServer({ onConn: gate.wait })
    const peer = await connect()
    peer.send(conn(1) + submit(2, filler(100_000)))
    await gate.holds(1)
    gate.release()
    expect(await peer.receive(28)).toBe(connAck(1) + submitAck(2))
  })

  test('is held to a shorter maximum, where there is one', async () => {
    const { connect, untilClosed } = await startServer(accepts, { maxFrameLength: 100 })
    const peer = await connect()
    peer.send('00000065')
    await peer.receiveAll()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'frame-error', error: { maxFrameLength: 100 } }])
  })
})

describe('a Conn that is not required', () => {
  test('may come after Submits, or never', async () => {
    const { open } = await startServer({ onConn: () => 0 }, { requireConn: false })
    const { peer, session } = await open()
    peer.send(submit(1) + conn(2) + submit(3))
    expect(await peer.receive(42)).toBe(submitAck(1) + connAck(2) + submitAck(3))
    expect(session.authenticated).toBe(true)
  })

  test('succeeds without an onConn', async () => {
    const { connect } = await startServer()
    const peer = await connect()
    peer.send(conn(1, 'ffff'))
    expect(await peer.receive(14)).toBe(connAck(1))
  })

  test('closes the connection when it is refused', async () => {
    const { seen, onSubmit } = remember()
    const { connect, untilClosed } = await startServer({ onConn: () => 1, onSubmit }, { requireConn: false })
    const peer = await connect()
    peer.send(submit(1) + conn(2) + submit(3))
    expect(await peer.receiveAll()).toBe(submitAck(1) + connAck(2, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'unauthorized' }])
    expect(seen).toEqual(['00000001'])
  })

  test('takes frames above 4 KiB before it', async () => {
    const { connect } = await startServer({ onConn: () => 0 }, { requireConn: false })
    const peer = await connect()
    peer.send(submit(1, filler(5000)))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })
})

describe('a peer that ends its side', () => {
  test('without a byte: the server ends its own', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open()
    peer.end()
    expect(await peer.receiveAll()).toBe('')
    expect(await untilClosed(1)).toEqual([{ session, reason: 'peer-closed', error: undefined }])
  })

  test('right after sending gets every ack', async () => {
    const { connect, untilClosed } = await startServer()
    const peer = await connect()
    peer.end(submits(1, 500))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 500))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed', error: undefined }])
  })

  test('gets every ack of slow handlers, the FIN after the last', async () => {
    const gate = new Gate()
    const { server, open, untilClosed, closings } = await startServer({ onSubmit: gate.wait })
    const { peer, session } = await open()
    peer.end(submits(1, 50))
    await gate.holds(50)
    await waitFor(
      () => session.state === 'answering',
      () => `for the end to be seen; the session is ${session.state}`,
    )
    gate.waiting.pop()?.settle(1)
    expect(await peer.receive(14)).toBe(submitAck(50, 1))
    expect(peer.ended).toBe(false)
    expect(closings).toEqual([])
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAck(50, 1) + submitAcks(1, 49))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed', error: undefined }])
    expect(server.counters.unanswered).toBe(0)
  })

  test('gets every ack also of what waits behind maxInFlight', async () => {
    const gate = new Gate()
    const { connect, untilClosed } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 2 })
    const peer = await connect()
    peer.end(submits(1, 9))
    for (let answered = 0; answered < 9; answered += 1) {
      await gate.holds(1)
      gate.waiting.shift()?.settle(0)
      await peer.receive((answered + 1) * 14)
    }
    expect(await peer.receiveAll()).toBe(submitAcks(1, 9))
    expect(gate.most).toBe(2)
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed', error: undefined }])
  })

  test('while its Conn is pending gets the ack of it, and of the Submits behind', async () => {
    const gate = new Gate()
    const { connect, untilClosed } = await startServer({ onConn: gate.wait })
    const peer = await connect()
    peer.end(conn(1) + submits(2, 3))
    await gate.holds(1)
    gate.release()
    expect(await peer.receiveAll()).toBe(connAck(1) + submitAcks(2, 3))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
  })

  test('inside a frame that waits behind maxInFlight: all before it is answered, then it is truncated', async () => {
    const gate = new Gate()
    const { connect, untilClosed } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 1 })
    const peer = await connect()
    peer.end(submits(1, 3) + submit(4).slice(0, -2))
    for (let i = 0; i < 3; i++) {
      await gate.holds(1)
      gate.release()
      await peer.receive((i + 1) * 14)
    }
    expect(await peer.receiveAll()).toBe(submitAcks(1, 3))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'frame-error', error: { code: 'ERR_FRAME_TRUNCATED' } }])
  })
})

describeWithReset('a peer that resets the connection', () => {
  testWithReset('is closed as peer-reset, once, and no other feels it', async () => {
    const { server, open, untilClosed } = await startServer()
    const bystander = await open()
    const { peer, session } = await open()
    peer.send(submit(1))
    await peer.receive(14)
    peer.reset()
    expect(await untilClosed(1)).toEqual([
      { session, reason: 'peer-reset', error: expect.objectContaining({ code: 'ECONNRESET' }) },
    ])
    expect(server.counters.connectionsClosed).toEqual(countsOf({ 'peer-reset': 1 }))
    bystander.peer.send(submit(1))
    expect(await bystander.peer.receive(14)).toBe(submitAck(1))
  })

  testWithReset('leaves its requests unanswered, and their number known; late results go nowhere', async () => {
    const gate = new Gate()
    const { server, open, untilClosed, closings, errors } = await startServer({ onSubmit: gate.wait })
    const { peer, session } = await open()
    peer.send(submits(1, 3))
    await gate.holds(3)
    expect(server.counters.inFlight).toBe(3)
    peer.reset()
    await untilClosed(1)
    expect(server.counters).toMatchObject({ inFlight: 0, unanswered: 3, responsesSent: 0 })
    gate.release()
    // A round trip, so that whatever the late results do has been done.
    const other = await open()
    other.peer.send(submit(1))
    await gate.holds(1)
    gate.release()
    expect(await other.peer.receive(14)).toBe(submitAck(1))
    expect(server.counters).toMatchObject({ inFlight: 0, unanswered: 3, responsesSent: 1 })
    expect(closings).toHaveLength(1)
    expect(errors).toEqual([])
    expect(session.state).toBe('closed')
  })

  testWithReset('in the middle of a frame', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open()
    peer.send(submit(1).slice(0, 10))
    await waitFor(
      () => session.receivedBytes === 5,
      () => 'for five bytes',
    )
    peer.reset()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-reset' }])
  })
})

describe('session.close()', () => {
  test('in a sync handler: its own request is answered, later ones of the chunk are not handled', async () => {
    const seen: string[] = []
    const { open, untilClosed } = await startServer({
      onSubmit(submit, { session }) {
        seen.push(submit.id)
        if (submit.serial === 2) session.close()
        return 0
      },
    })
    const { peer, session } = await open()
    peer.send(submits(1, 5))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 2))
    expect(await untilClosed(1)).toEqual([{ session, reason: 'handler-closed', error: undefined }])
    expect(seen).toEqual(['00000001', '00000002'])
    expect(peer.error).toBeUndefined()
  })

  test('in an async handler: it and those in flight are answered, later ones are not handled', async () => {
    const gate = new Gate()
    const { connect, untilClosed } = await startServer({
      onSubmit(submit, { session }) {
        if (submit.serial === 3) session.close()
        return gate.wait(submit)
      },
    })
    const peer = await connect()
    peer.send(submits(1, 5))
    await gate.holds(3)
    expect(gate.waiting.map(({ id }) => id)).toEqual(['00000001', '00000002', '00000003'])
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAcks(1, 3))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed', error: undefined }])
    expect(gate.waiting).toEqual([])
  })

  test('from anywhere, at any time, as often as one likes', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open()
    session.close()
    session.close()
    expect(await peer.receiveAll()).toBe('')
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
    session.close()
    expect(session.state).toBe('closed')
  })

  test('with requests waiting behind maxInFlight: those are not handled', async () => {
    const gate = new Gate()
    const { open, untilClosed } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 2 })
    const { peer, session } = await open()
    peer.send(submits(1, 5))
    await gate.holds(2)
    session.close()
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAcks(1, 2))
    await untilClosed(1)
    expect(gate.waiting).toEqual([])
  })

  test('in onOpen', async () => {
    const { seen, onSubmit } = remember()
    const { connect, untilClosed } = await startServer({ onOpen: (session) => session.close(), onSubmit })
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receiveAll()).toBe('')
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed', error: undefined }])
    expect(seen).toEqual([])
  })

  test('in onConn, which accepts: the Conn is answered', async () => {
    const { connect, untilClosed } = await startServer({
      onConn(_conn, { session }) {
        session.close()
        return 0
      },
    })
    const peer = await connect()
    peer.send(conn(1) + submit(2))
    expect(await peer.receiveAll()).toBe(connAck(1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
  })

  test('waits for a peer that holds on, for lingerTimeout, then hangs up', async () => {
    const { open, untilClosed } = await startServer({}, { lingerTimeout: 50 })
    const { peer, session } = await open({ holdsOn: true })
    session.close()
    await peer.receiveAll()
    expect(session.state).toBe('lingering')
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed', error: undefined }])
  })

  testWithReset('answered by a reset instead of a FIN, it is still what closed the connection', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open({ holdsOn: true })
    peer.send(submit(1))
    await peer.receive(14)
    session.close()
    await peer.receiveAll()
    peer.reset()
    expect(await untilClosed(1)).toEqual([{ session, reason: 'handler-closed', error: undefined }])
  })
})

describe('session.signal', () => {
  testWithReset('aborts when the peer resets the connection', async () => {
    const gate = new Gate()
    const signals: AbortSignal[] = []
    const { connect, untilClosed } = await startServer({
      onSubmit(submit, { session }) {
        signals.push(session.signal)
        return gate.wait(submit)
      },
    })
    const peer = await connect()
    peer.send(submits(1, 2))
    await gate.holds(2)
    const [signal] = signals
    expect(signal?.aborted).toBe(false)
    expect(signals[1]).toBe(signal)
    peer.reset()
    await untilClosed(1)
    expect(signal?.aborted).toBe(true)
  })

  test('is aborted already when the connection is gone', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open()
    peer.end()
    await untilClosed(1)
    expect(session.signal.aborted).toBe(true)
  })

  test('is aborted by the time of onClose', async () => {
    const aborted: boolean[] = []
    let signal: AbortSignal | undefined
    const { connect, untilClosed } = await startServer({
      onOpen(session) {
        signal = session.signal
      },
      onClose() {
        aborted.push(signal?.aborted === true)
      },
    })
    const peer = await connect()
    peer.end()
    await untilClosed(1)
    expect(aborted).toEqual([true])
  })

  test('is not aborted by a peer that only ended its side: it still waits for its acks', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait })
    const { peer, session } = await open()
    peer.end(submit(1))
    await gate.holds(1)
    await waitFor(
      () => session.state === 'answering',
      () => `for the end to be seen; the session is ${session.state}`,
    )
    expect(session.signal.aborted).toBe(false)
    gate.release()
    expect(await peer.receiveAll()).toBe(submitAck(1))
  })

  test('calls its listeners once', async () => {
    const { open, untilClosed } = await startServer()
    const { peer, session } = await open()
    let called = 0
    session.signal.addEventListener('abort', () => {
      called += 1
    })
    session.close()
    await peer.receiveAll()
    await untilClosed(1)
    expect(called).toBe(1)
  })
})

describe('session.data', () => {
  test('is the user’s own, one for each session, from onOpen to onClose', async () => {
    const log: string[] = []
    let opened = 0
    const { connect, untilClosed } = await startServer<{ name: string; count: number }>({
      onOpen(session) {
        opened += 1
        session.data = { name: `peer ${opened}`, count: 0 }
      },
      onSubmit(_submit, { session: { data } }) {
        if (data !== undefined) data.count += 1
      },
      onClose({ data }) {
        log.push(`${data?.name}: ${data?.count}`)
      },
    })
    const first = await connect()
    const second = await connect()
    first.end(submits(1, 3))
    await first.receiveAll()
    await untilClosed(1)
    second.end(submit(1))
    await second.receiveAll()
    await untilClosed(2)
    expect(log).toEqual(['peer 1: 3', 'peer 2: 1'])
  })

  test('is undefined until it is set', async () => {
    const { open } = await startServer()
    const { session } = await open()
    expect(session.data).toBeUndefined()
  })
})

describe('what a session says of itself', () => {
  test('its state goes open, answering, lingering, closed', async () => {
    const gate = new Gate()
    const states: string[] = []
    const { open, untilClosed } = await startServer({
      onOpen: (session) => void states.push(session.state),
      onSubmit: gate.wait,
      onClose: (session) => void states.push(session.state),
    })
    const { peer, session } = await open({ holdsOn: true })
    peer.send(submit(1))
    await gate.holds(1)
    session.close()
    states.push(session.state)
    gate.release()
    await peer.receiveAll()
    states.push(session.state)
    peer.end()
    await untilClosed(1)
    expect(states).toEqual(['open', 'answering', 'lingering', 'closed'])
  })

  test('what it received, handles and sent', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: ({ serial, id }) => (serial > 2 ? gate.wait({ id }) : 0) })
    const { peer, session } = await open()
    peer.send(submits(1, 5) + submit(6).slice(0, 8))
    await gate.holds(3)
    await waitFor(
      () => session.receivedBytes === 5 * 13 + 4,
      () => `for everything; there are ${session.receivedBytes} bytes`,
    )
    await peer.receive(28)
    expect(session).toMatchObject({ requests: 5, inFlight: 3, sentBytes: 28 })
    gate.release()
    await peer.receive(70)
    expect(session).toMatchObject({ requests: 5, inFlight: 0, sentBytes: 70 })
  })

  test('the session that onClose gets is the one that onOpen and onSubmit got', async () => {
    const sessions: Session[] = []
    const { connect, untilClosed } = await startServer({
      onOpen: (session) => void sessions.push(session),
      onSubmit: (_submit, { session }) => void sessions.push(session),
      onClose: (session) => void sessions.push(session),
    })
    const peer = await connect()
    peer.end(submit(1))
    await peer.receiveAll()
    await untilClosed(1)
    expect(new Set(sessions).size).toBe(1)
    expect(sessions).toHaveLength(3)
  })
})
