import { type FakeServer, type ServerSide, startFakeServer } from '@demo/testkit/fake-server'
import { turns, within } from '@demo/testkit/wait-for'
import { conn, connAck, frame, goDemo, hexOf, id, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, test, vi } from 'vitest'
import { type ConnectOptions, connect } from '../index.ts'
import { turnClockByHand } from '../testing/connected.ts'
import { leave, rejection, watch } from '../testing/outcome.ts'

type Credentials = Pick<ConnectOptions, 'credentials' | 'timeout' | 'dialect'>

/** Starts connecting with credentials, and waits until the server has a Conn of `length` bytes. */
async function begin(
  options: Credentials,
  length: number,
): Promise<{ server: FakeServer; side: ServerSide; connecting: ReturnType<typeof connect> }> {
  const server = await startFakeServer()
  const connecting = connect({ ...server.location, ...options })
  leave(connecting)
  const side = await server.accepted()
  await side.receive(length)
  return { server, side, connecting }
}

const TOKEN = { credentials: 'secret' }
const CONN = conn(1, hexOf('secret'))
const CONN_LENGTH = 19

describe('credentials', () => {
  test('are sent in a Conn: a text as UTF-8', async () => {
    const { side } = await begin({ credentials: 'sé' }, 16)
    expect(side.received).toBe('00000010' + '01' + '3030303030303031' + '73c3a9')
  })

  test('are sent in a Conn: bytes as they are', async () => {
    const { side } = await begin({ credentials: Uint8Array.of(0, 0xff) }, 15)
    expect(side.received).toBe('0000000f' + '01' + '3030303030303031' + '00ff')
  })

  test('are sent in a Conn when they are empty, too', async () => {
    const { side } = await begin({ credentials: '' }, 13)
    expect(side.received).toBe('0000000d' + '01' + '3030303030303031')
  })

  test('that are accepted let the client in, and its Submits go on at 00000002', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    expect(side.received).toBe(CONN)
    side.send(connAck(1))
    const client = await within(connecting, 'for the client to be authenticated')
    expect(client.alive).toBe(true)
    expect(client.inFlight).toBe(0)
    const result = client.submit(new Uint8Array(0))
    expect(await side.receiveLike(CONN + submit(2))).toBe(CONN + submit(2))
    side.send(submitAck(2, 1))
    expect(await result).toBe(1)
  })

  test('that are accepted in the Go demo’s dialect', async () => {
    const { side, connecting } = await begin({ ...TOKEN, dialect: 'go-demo' }, CONN_LENGTH)
    expect(side.received).toBe(CONN)
    side.send(goDemo.connAck(1))
    const client = await within(connecting, 'for the client to be authenticated')
    const result = client.submit(new Uint8Array(0))
    await side.receiveLike(CONN + submit(2))
    side.send(goDemo.submitAck(2))
    expect(await result).toBe(0)
  })

  test('hold the client until they are accepted', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    const watched = watch(connecting)
    await turns(3)
    expect(watched.state).toBe('pending')
    side.send(connAck(1))
    await within(connecting, 'for the client to be authenticated')
  })

  test.each([1, 2, 254])('that are refused, with %d, are ERR_CLIENT_UNAUTHORIZED', async (result) => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.send(connAck(1, result))
    expect(await rejection(connecting)).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_UNAUTHORIZED',
      message: 'the server refused the credentials',
    })
    await side.untilClosed()
    expect(side.received).toBe(CONN)
  })

  test('that are refused and hung up on are ERR_CLIENT_UNAUTHORIZED', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.end(connAck(1, 1))
    expect(await rejection(connecting)).toMatchObject({ code: 'ERR_CLIENT_UNAUTHORIZED' })
  })

  test('are not in an error', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.send(connAck(1, 1))
    const { message, stack } = await rejection(connecting)
    expect(`${message} ${stack}`).not.toContain('secret')
  })
})

describe('the connection ends while the server looks at the credentials', () => {
  test('with a FIN', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.end()
    expect(await rejection(connecting)).toMatchObject({ code: 'ERR_CLIENT_CONNECTION_LOST', sent: true })
  })

  test('with a RST', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.reset()
    expect(await rejection(connecting)).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      sent: true,
      cause: { code: 'ECONNRESET' },
    })
  })

  test('in the middle of the answer', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.end(connAck(1).slice(0, 20))
    expect(await rejection(connecting)).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      sent: true,
      cause: { code: 'ERR_FRAME_TRUNCATED' },
    })
  })
})

test('no answer to the credentials in time is ERR_CLIENT_TIMEOUT, and the connection is closed', async () => {
  const server = await startFakeServer()
  turnClockByHand()
  const connecting = connect({ ...server.location, ...TOKEN, timeout: 300 })
  leave(connecting)
  const side = await server.accepted()
  await side.receive(CONN_LENGTH)
  const watched = watch(connecting)
  vi.advanceTimersByTime(299)
  await turns(2)
  expect(watched.state).toBe('pending')
  vi.advanceTimersByTime(1)
  expect(await rejection(connecting)).toMatchObject({
    code: 'ERR_CLIENT_TIMEOUT',
    message: 'no answer to the credentials came within 300 ms',
    sent: true,
  })
  await side.untilClosed()
})

describe('the answer to the credentials is wrong', () => {
  test.each([
    ['a SubmitAck', submitAck(1), 'ERR_PACKET_UNEXPECTED'],
    ['another ID', connAck(2), 'ERR_PACKET_UNEXPECTED'],
    ['an ID that is not a number', `0000000e81${hexOf('secret!!')}00`, 'ERR_PACKET_UNEXPECTED'],
    ['a Conn', conn(1), 'ERR_PACKET_UNEXPECTED'],
    ['a cut ConnAck', frame(`81${id(1)}`), 'ERR_PACKET_MALFORMED'],
  ])('%s', async (_what, hex, cause) => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.send(hex)
    expect(await rejection(connecting)).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      sent: true,
      cause: { code: cause },
    })
    await side.untilClosed()
  })

  test('in the Go demo’s dialect, and the error says so', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.send(goDemo.connAck(1))
    const error = await rejection(connecting)
    expect(error).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', cause: { code: 'ERR_PACKET_UNKNOWN_COMMAND' } })
    expect(error.message).toContain('the peer seems to speak the go-demo dialect')
    expect(error.dialect).toBe('go-demo')
  })

  // 0x81 is a ConnAck in one dialect and a SubmitAck in the other.
  test('in the specification’s dialect to a client of the Go demo’s, and the error says so', async () => {
    const { side, connecting } = await begin({ ...TOKEN, dialect: 'go-demo' }, CONN_LENGTH)
    side.send(connAck(1))
    const error = await rejection(connecting)
    expect(error.code).toBe('ERR_CLIENT_PROTOCOL')
    expect(error.message).toContain('specification dialect')
    expect(error.dialect).toBe('specification')
  })
})

describe('right after the answer to the credentials', () => {
  test('a second answer in the same read breaks the protocol', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.send(connAck(1) + connAck(1))
    expect(await rejection(connecting)).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: true })
    await side.untilClosed()
  })

  test('a part of a frame in the same read is not forgotten', async () => {
    const { side, connecting } = await begin(TOKEN, CONN_LENGTH)
    side.send(connAck(1) + submitAck(2).slice(0, 10))
    const client = await within(connecting, 'for the client to be authenticated')
    const result = client.submit(new Uint8Array(0))
    await side.receiveLike(CONN + submit(2))
    side.send(submitAck(2).slice(10))
    expect(await result).toBe(0)
  })
})

test.each([
  ['no bytes', 7, { name: 'TypeError', message: expect.stringContaining('invalid credentials of type number') }],
  ['null', null, { name: 'TypeError', message: expect.stringContaining('invalid credentials of type null') }],
])('credentials that are %s are refused before a connection is opened', async (_what, credentials, error) => {
  const server = await startFakeServer()
  expect(await rejection(connect({ ...server.location, credentials: credentials as never }))).toMatchObject(error)
  expect(server.sides).toEqual([])
})
