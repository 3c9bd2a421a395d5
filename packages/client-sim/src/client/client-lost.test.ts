import type { ServerSide } from '@demo/testkit/fake-server'
import { turns, waitFor, within } from '@demo/testkit/wait-for'
import { connAck, frame, goDemo, hexOf, id, submit, submitAck, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { type Client, ClientError } from '../index.ts'
import { watchClientSockets } from '../testing/client-sockets.ts'
import { type ConnectedOptions, connected } from '../testing/connected.ts'
import { elementAt } from '../testing/element-at.ts'
import { leave, rejection } from '../testing/outcome.ts'

const NOTHING = new Uint8Array(0)

/** A client with one request sent and one that waits for the window. */
async function oneSentOneNot(options: ConnectedOptions = {}): Promise<{
  client: Client
  side: ServerSide
  sent: Promise<ClientError>
  unsent: Promise<ClientError>
}> {
  const { client, side } = await connected({ ...options, window: 1 })
  const sent = rejection(client.submit(NOTHING))
  const unsent = rejection(client.submit(NOTHING))
  await side.receiveLike(submit(1))
  return { client, side, sent, unsent }
}

describe('a connection that ends rejects all that waits', () => {
  test('a FIN: ERR_CLIENT_CONNECTION_LOST, and whether it was sent', async () => {
    const { side, sent, unsent } = await oneSentOneNot()
    side.end()
    expect(await sent).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_CONNECTION_LOST',
      message: 'the server ended the connection; it is unknown whether the server handled the request',
      sent: true,
    })
    expect(await unsent).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      message: 'the server ended the connection',
      sent: false,
    })
    expect(side.received).toBe(submit(1))
  })

  test('a RST: ERR_CLIENT_CONNECTION_LOST with the system’s error', async () => {
    const { client, side, sent, unsent } = await oneSentOneNot()
    side.reset()
    expect(await sent).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      message: 'the connection was lost: read ECONNRESET; it is unknown whether the server handled the request',
      sent: true,
      cause: { code: 'ECONNRESET' },
    })
    expect(await unsent).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      sent: false,
      cause: { code: 'ECONNRESET' },
    })
    expect(await client.closed).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      cause: { code: 'ECONNRESET' },
    })
  })

  test('a FIN inside a frame: ERR_CLIENT_PROTOCOL with a FrameError', async () => {
    const { client, side, sent, unsent } = await oneSentOneNot()
    side.end(submitAck(1).slice(0, -2))
    const cause = { name: 'FrameError', code: 'ERR_FRAME_TRUNCATED' }
    expect(await sent).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: true, cause })
    expect(await unsent).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: false, cause })
    expect(await client.closed).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: false, cause })
  })

  test('each with its own error and stack', async () => {
    const { client, side } = await connected()
    const errors = [rejection(client.submit(NOTHING)), rejection(client.submit(NOTHING))]
    await side.receiveLike(submits(1, 2))
    side.end()
    const [first, second] = await Promise.all(errors)
    expect(first).toBeInstanceOf(ClientError)
    expect(first).not.toBe(second)
  })

  test('but not what was answered before', async () => {
    const { client, side } = await connected()
    const [first, second] = [client.submit(NOTHING), rejection(client.submit(NOTHING))]
    await side.receiveLike(submits(1, 2))
    side.end(submitAck(1, 7))
    expect(await first).toBe(7)
    expect(await second).toMatchObject({ code: 'ERR_CLIENT_CONNECTION_LOST', sent: true })
  })

  test('and leaves nothing in flight', async () => {
    const { client, side, sent, unsent } = await oneSentOneNot()
    side.end()
    await Promise.all([sent, unsent])
    await client.closed
    expect(client.inFlight).toBe(0)
    expect(client.alive).toBe(false)
  })

  test('also when the server has ended its side and reads nothing', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected({ reads: false, holdsOn: true, timeout: 0 })
    const requests: Promise<ClientError>[] = []
    const { socket } = elementAt(sockets, 0)
    // More than the system takes, so that our side has not ended when the server's has.
    while (!socket.writableNeedDrain) {
      requests.push(rejection(client.submit(Buffer.alloc(256 * 1024))))
      await turns(1)
    }
    side.end()
    // No answer can come. Waiting until the server reads the requests would never end.
    const errors = await Promise.all(requests)
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['ERR_CLIENT_CONNECTION_LOST']))
    await within(client.closed, 'for the connection to be closed')
  })
})

describe('closed', () => {
  test('gives nothing when the server ends it and nothing waits', async () => {
    const { client, side } = await connected()
    const request = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    side.end(submitAck(1))
    expect(await request).toBe(0)
    expect(await within(client.closed, 'for the client to be closed')).toBe(undefined)
    expect(client.alive).toBe(false)
  })

  test('gives the error when the server ends it and requests are in flight', async () => {
    const { client, side, sent, unsent } = await oneSentOneNot()
    side.end()
    await Promise.all([sent, unsent])
    expect(await within(client.closed, 'for the client to be closed')).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      sent: false,
    })
  })

  test('is not yet when nothing has happened', async () => {
    const { client } = await connected()
    let closed = false
    void client.closed.then(() => {
      closed = true
    })
    await turns(3)
    expect(closed).toBe(false)
    expect(client.alive).toBe(true)
  })
})

describe('a submit after the connection is gone', () => {
  test('is ERR_CLIENT_CLOSED, and not sent, after a good end', async () => {
    const { client, side } = await connected()
    side.end()
    await client.closed
    expect(await rejection(client.submit(NOTHING))).toMatchObject({ code: 'ERR_CLIENT_CLOSED', sent: false })
  })

  test('is what ended the connection, and not sent, after a RST', async () => {
    const { client, side } = await connected()
    side.reset()
    await client.closed
    expect(await rejection(client.submit(NOTHING))).toMatchObject({
      code: 'ERR_CLIENT_CONNECTION_LOST',
      sent: false,
    })
  })

  test('is what ended the connection, and not sent, after a broken protocol', async () => {
    const { client, side } = await connected()
    side.send(frame(''))
    await client.closed
    expect(await rejection(client.submit(NOTHING))).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: false })
  })

  test('of the turn in which the protocol was broken is rejected, too', async () => {
    const { client, side } = await connected()
    const first = client.submit(NOTHING)
    // Runs before the socket emits `close`.
    const second = rejection(first.then(() => client.submit(NOTHING)))
    await side.receiveLike(submit(1))
    side.send(submitAck(1) + frame(''))
    expect(await first).toBe(0)
    expect(await second).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: false })
    expect(side.received).toBe(submit(1))
  })
})

describe('a server that breaks the protocol', () => {
  const unexpected = 'ERR_PACKET_UNEXPECTED'

  test.each([
    ['answers with an unknown ID', submitAck(9), unexpected],
    ['answers with the ID 00000000', submitAck(0), unexpected],
    ['answers a request that waits in the client', submitAck(2), unexpected],
    ['answers with an ID that is not a number', `0000000e82${hexOf('1       ')}00`, unexpected],
    ['answers a Submit with a ConnAck', connAck(1), unexpected],
    ['sends a Submit', submit(1), unexpected],
    ['sends a Conn', frame(`01${id(1)}`), unexpected],
    ['sends an empty packet', frame(''), 'ERR_PACKET_MALFORMED'],
    ['sends a cut SubmitAck', frame(`82${id(1)}`), 'ERR_PACKET_MALFORMED'],
    ['sends a SubmitAck that is too long', frame(`82${id(1)}0000`), 'ERR_PACKET_MALFORMED'],
    ['sends an unknown command', frame(`00${id(1)}00`), 'ERR_PACKET_UNKNOWN_COMMAND'],
    ['sends a frame that is too short', '00000000', 'ERR_FRAME_TOO_SHORT'],
    ['sends a frame that is too long', '7fffffff', 'ERR_FRAME_TOO_LONG'],
  ])('%s', async (_what, hex, cause) => {
    const { client, side, sent, unsent } = await oneSentOneNot()
    side.send(hex)
    expect(await sent).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringMatching(
        /^the server broke the protocol: .*; it is unknown whether the server handled the request$/,
      ),
      sent: true,
      cause: { code: cause },
    })
    expect(await unsent).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: false, cause: { code: cause } })
    expect(await client.closed).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', cause: { code: cause } })
    await side.untilClosed()
    expect(side.received).toBe(submit(1))
  })

  test('by a second answer to one request: the first counts', async () => {
    const { client, side } = await connected()
    const [first, second] = [client.submit(NOTHING), rejection(client.submit(NOTHING))]
    await side.receiveLike(submits(1, 2))
    side.send(submitAck(1, 3) + submitAck(1, 4))
    expect(await first).toBe(3)
    expect(await second).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: true })
    expect(await client.closed).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      cause: { code: 'ERR_PACKET_UNEXPECTED' },
    })
  })

  test('without having been asked anything', async () => {
    const { client, side } = await connected()
    side.send(submitAck(1))
    expect(await client.closed).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringContaining('"00000001"'),
    })
  })

  test('by speaking HTTP is recognized', async () => {
    const { side, sent, unsent } = await oneSentOneNot()
    side.send(hexOf('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await sent).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringContaining('the peer seems to speak HTTP'),
    })
    await unsent
  })

  // 0x81 is a SubmitAck in one dialect and a ConnAck in the other.
  test('by answering a Submit in the Go demo’s dialect is recognized', async () => {
    const { side, sent, unsent } = await oneSentOneNot()
    side.send(goDemo.submitAck(1))
    expect(await sent).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringContaining('go-demo dialect'),
    })
    await unsent
  })

  test('by answering a Submit in the specification’s dialect, to a client of the Go demo’s, is recognized', async () => {
    const { side, sent, unsent } = await oneSentOneNot({ dialect: 'go-demo' })
    side.send(submitAck(1))
    expect(await sent).toMatchObject({
      code: 'ERR_CLIENT_PROTOCOL',
      message: expect.stringContaining('specification dialect'),
      cause: { code: 'ERR_PACKET_UNKNOWN_COMMAND' },
    })
    await unsent
  })

  test('is not listened to any longer', async () => {
    const { client, side } = await connected()
    const [first, second] = [rejection(client.submit(NOTHING)), rejection(client.submit(NOTHING))]
    await side.receiveLike(submits(1, 2))
    side.send(frame('') + submitAck(1) + submitAck(2))
    expect((await Promise.all([first, second])).map(({ code }) => code)).toEqual([
      'ERR_CLIENT_PROTOCOL',
      'ERR_CLIENT_PROTOCOL',
    ])
    await waitFor(
      () => side.closed,
      () => 'for the connection to be closed',
    )
  })
})

test('one client’s end is not another’s', async () => {
  const first = await connected()
  const second = await connected()
  leave(first.client.submit(NOTHING))
  const request = second.client.submit(NOTHING)
  await second.side.receiveLike(submit(1))
  first.side.reset()
  await first.client.closed
  second.side.send(submitAck(1))
  expect(await request).toBe(0)
  expect(second.client.alive).toBe(true)
})
