import { readFileSync } from 'node:fs'
import { startFakeServer } from '@demo/testkit/fake-server'
import { turns, waitFor, within } from '@demo/testkit/wait-for'
import { serials, submit, submitAck, submits } from '@demo/testkit/wire'
import { describe, expect, test, vi } from 'vitest'
import { connect, openLoadConnection } from '../index.ts'
import { watchClientSockets } from '../testing/client-sockets.ts'
import { connected, turnClockByHand } from '../testing/connected.ts'
import { elementAt } from '../testing/element-at.ts'
import { leave, rejection, watch } from '../testing/outcome.ts'
import { TEST_ENGINE } from '../testing/test-engine.ts'

const NOTHING = new Uint8Array(0)

describe('a server that takes requests and never answers', () => {
  test('ends the connection with ERR_CLIENT_SILENT, and all that is pending', async () => {
    const { client, side } = await connected({ window: 2, timeout: 0, silenceTimeout: 100 })
    turnClockByHand()
    const [first, second, third] = serials(1, 3).map(() => rejection(client.submit(NOTHING)))
    await side.receiveLike(submits(1, 2))
    vi.advanceTimersByTime(99)
    await turns(2)
    expect(client.alive).toBe(true)
    vi.advanceTimersByTime(1)
    expect(client.alive).toBe(false)
    const message = 'the server sent nothing for 100 ms with 2 requests in flight'
    const unknown = `${message}; it is unknown whether the server handled the request`
    expect(await first).toMatchObject({ code: 'ERR_CLIENT_SILENT', sent: true, message: unknown })
    expect(await second).toMatchObject({ code: 'ERR_CLIENT_SILENT', sent: true })
    expect(await third).toMatchObject({ code: 'ERR_CLIENT_SILENT', sent: false, message })
    expect(await within(client.closed, 'for the client to close')).toMatchObject({ code: 'ERR_CLIENT_SILENT' })
    expect(await rejection(client.submit(NOTHING))).toMatchObject({ code: 'ERR_CLIENT_SILENT', sent: false })
    await side.untilClosed()
  })

  test('is noticed when all of the window has timed out, by the clock of the last that was sent', async () => {
    const { client, side } = await connected({ window: 2, timeout: 50, silenceTimeout: 120 })
    turnClockByHand()
    const lost = [rejection(client.submit(NOTHING)), rejection(client.submit(NOTHING))]
    await side.receiveLike(submits(1, 2))
    vi.advanceTimersByTime(50)
    for (const error of lost) expect(await error).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT', sent: true })
    const blocked = rejection(client.submit(NOTHING))
    vi.advanceTimersByTime(50)
    expect(await blocked).toMatchObject({
      code: 'ERR_CLIENT_TIMEOUT',
      sent: false,
      message: 'the window had no room within 50 ms: 2 requests that timed out or were aborted are still in flight',
    })
    expect(client.alive).toBe(true)
    vi.advanceTimersByTime(20)
    expect(client.alive).toBe(false)
    expect(await within(client.closed, 'for the client to close')).toMatchObject({ code: 'ERR_CLIENT_SILENT' })
  })

  test('is not silent while anything comes', async () => {
    const { client, side } = await connected({ timeout: 0, silenceTimeout: 100 })
    turnClockByHand()
    const [first, second] = [client.submit(NOTHING), rejection(client.submit(NOTHING))]
    await side.receiveLike(submits(1, 2))
    vi.advanceTimersByTime(99)
    side.send(submitAck(1))
    expect(await first).toBe(0)
    vi.advanceTimersByTime(99)
    expect(client.alive).toBe(true)
    vi.advanceTimersByTime(1)
    expect(await second).toMatchObject({ code: 'ERR_CLIENT_SILENT' })
  })

  test('may be silent while no request is in flight', async () => {
    const { client, side } = await connected({ timeout: 0, silenceTimeout: 100 })
    turnClockByHand()
    const request = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    side.send(submitAck(1))
    expect(await request).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(1000)
    expect(client.alive).toBe(true)
  })

  test.each([
    ['30 seconds', {}, 30_000],
    ['twice the time-out, if that is longer', { timeout: 20_000 }, 40_000],
  ])('is waited for %s by default', async (_what, options, limit) => {
    const { client, side } = await connected(options)
    turnClockByHand()
    leave(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    vi.advanceTimersByTime(limit - 1)
    expect(client.alive).toBe(true)
    vi.advanceTimersByTime(1)
    expect(client.alive).toBe(false)
  })

  test.each([
    ['the time-out is 0', { timeout: 0 }],
    ['the limit is 0', { silenceTimeout: 0 }],
  ])('is waited for without a limit when %s', async (_what, options) => {
    const { client, side } = await connected(options)
    turnClockByHand()
    leave(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    vi.advanceTimersByTime(3_600_000)
    await turns(2)
    expect(client.alive).toBe(true)
  })

  test('is not silent while it reads', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected({ reads: false, timeout: 0, silenceTimeout: 100 })
    turnClockByHand()
    const { socket } = elementAt(sockets, 0)
    while (!socket.writableNeedDrain) {
      leave(client.submit(Buffer.alloc(256 * 1024)))
      await turns(1)
    }
    vi.advanceTimersByTime(99)
    side.read()
    await waitFor(
      () => !socket.writableNeedDrain,
      () => 'for the server to take it',
    )
    vi.advanceTimersByTime(99)
    expect(client.alive).toBe(true)
    vi.advanceTimersByTime(1)
    expect(client.alive).toBe(false)
  })
})

/** The column of /proc/net/tcp with the running timer, and when it fires; see proc(5). */
const TIMER = 5
const KEEPALIVE = '02:'

const portAsHex = (port = 0) => port.toString(16).toUpperCase().padStart(4, '0')

interface Ends {
  readonly localPort?: number | undefined
  readonly remotePort?: number | undefined
}

/** The system's timer for our end of a connection. The list may be incomplete while other connections come and go. */
async function timerOf({ localPort, remotePort }: Ends): Promise<string> {
  let timer: string | undefined
  await waitFor(
    () => {
      const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
      const fields = lines.map((line) => line.trim().split(/\s+/))
      const own = fields.find(
        ([, local, remote]) =>
          local?.endsWith(`:${portAsHex(localPort)}`) && remote?.endsWith(`:${portAsHex(remotePort)}`),
      )
      timer = own?.[TIMER]
      return timer !== undefined
    },
    () => `for the connection of port ${localPort} in /proc/net/tcp`,
  )
  return timer ?? ''
}

describe.skipIf(process.platform !== 'linux')('TCP keepalive is on (read from /proc/net/tcp, on Linux)', () => {
  test('for a client', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected()
    expect(client.alive).toBe(true)
    expect(await timerOf(elementAt(sockets, 0).socket)).toContain(KEEPALIVE)
    // The other end, a plain socket of Node, shows that it is not on by default.
    expect(await timerOf(side.socket)).not.toContain(KEEPALIVE)
  })

  test('for a load connection', async () => {
    const server = await startFakeServer()
    await openLoadConnection(
      { ...server.location, window: 1, payload: NOTHING, engine: TEST_ENGINE },
      { answered() {}, room() {}, closed() {} },
    )
    const { localPort, remotePort } = (await server.accepted()).socket
    expect(await timerOf({ localPort: remotePort, remotePort: localPort })).toContain(KEEPALIVE)
  })
})

test('a client that waits for its server is not silent itself: connecting has its own limit', async () => {
  const server = await startFakeServer()
  const connecting = watch(connect({ ...server.location, credentials: 'secret', timeout: 0, silenceTimeout: 1 }))
  const side = await server.accepted()
  await side.receive(19)
  await turns(5)
  expect(connecting.state).toBe('pending')
})
