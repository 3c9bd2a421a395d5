import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeServer } from '@demo/testkit/fake-server'
import { turns, waitFor, within } from '@demo/testkit/wait-for'
import { connAck } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openSocket } from '../connection/open-socket.ts'
import { type ConnectOptions, connect, type ServerLocation } from '../index.ts'
import { watchClientSockets } from '../testing/client-sockets.ts'
import { turnClockByHand } from '../testing/connected.ts'
import { deadPort } from '../testing/dead-port.ts'
import { elementAt } from '../testing/element-at.ts'
import { rejection, watch } from '../testing/outcome.ts'
import { resolveNames } from '../testing/resolve-names.ts'

async function open(location: ServerLocation, timeout = 5000): Promise<Socket> {
  const socket = await within(openSocket(location, { timeout }), 'for a socket to open')
  onTestFinished(() => {
    socket.destroy()
  })
  return socket
}

describe.runIf(process.platform === 'linux')('a path that the system would cut off', () => {
  /** A server with the longest possible path, 108 bytes: a longer path would be truncated to it. */
  async function longestPath(): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'connect-'))
    const path = `${folder}/`.padEnd(108, 'x')
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(path, resolve))
    onTestFinished(() => {
      server.close()
      rmSync(folder, { recursive: true })
    })
    return path
  }

  test.each(['y', '\0y', 'ä'])('is refused, and nothing is connected: and %j', async (rest) => {
    const sockets = watchClientSockets()
    const path = `${await longestPath()}${rest}`
    const error = await rejection(openSocket({ path }, { timeout: 5000 }))
    expect(error).toMatchObject({ name: 'ClientError', code: 'ERR_CLIENT_CONNECT' })
    expect(error.message).toMatch(
      /^can't connect to .*: its path has (\d+ bytes, a Unix socket's path has at most 107|a zero byte inside)$/,
    )
    expect(sockets).toEqual([])
  })
})

describe('connects', () => {
  test('to a host and a port', async () => {
    const server = await startFakeServer()
    const socket = await open({ host: '127.0.0.1', port: server.port })
    const side = await server.accepted()
    expect(side.socket.remotePort).toBe(socket.localPort)
  })

  test('to 127.0.0.1 unless a host is given', async () => {
    const server = await startFakeServer()
    const socket = await open({ port: server.port })
    expect(socket.remoteAddress).toBe('127.0.0.1')
  })

  test('to a host by its name', async () => {
    const server = await startFakeServer()
    resolveNames((callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]))
    const socket = await open({ host: 'server.example', port: server.port })
    expect(socket.remotePort).toBe(server.port)
  })

  test('to a Unix socket', async () => {
    const server = await startFakeServer({ unix: true })
    const socket = await open(server.location)
    const side = await server.accepted()
    socket.write('hello')
    await side.receive(5)
    expect(side.receivedBytes.toString()).toBe('hello')
  })

  test('and lets its clock go', async () => {
    turnClockByHand()
    const server = await startFakeServer()
    const socket = await open({ port: server.port }, 100)
    expect(vi.getTimerCount()).toBe(0)
    expect(socket.destroyed).toBe(false)
  })

  test('without a clock when the time-out is 0', async () => {
    turnClockByHand()
    resolveNames(() => {})
    const sockets = watchClientSockets()
    const opening = watch(openSocket({ host: 'slow.example', port: 1 }, { timeout: 0 }))
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(3_600_000)
    await turns(2)
    expect(opening.state).toBe('pending')
    elementAt(sockets, 0).socket.destroy()
  })
})

describe('says what is wrong', () => {
  test('when no server listens', async () => {
    const port = await deadPort()
    const error = await rejection(openSocket({ port }, { timeout: 5000 }))
    expect(error).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_CONNECT',
      message: `can't connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
      sent: false,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('when there is no such Unix socket', async () => {
    const path = join('/', 'no', 'such', 'socket')
    const error = await rejection(openSocket({ path }, { timeout: 5000 }))
    expect(error).toMatchObject({
      code: 'ERR_CLIENT_CONNECT',
      message: `can't connect to ${path}: connect ENOENT ${path}`,
      cause: { code: 'ENOENT' },
    })
  })

  test('when a name does not exist', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND nobody.example'), { code: 'ENOTFOUND' })
    resolveNames((callback) => callback(notFound, []))
    const error = await rejection(openSocket({ host: 'nobody.example', port: 8888 }, { timeout: 5000 }))
    expect(error).toMatchObject({
      code: 'ERR_CLIENT_CONNECT',
      message: "can't connect to nobody.example:8888: getaddrinfo ENOTFOUND nobody.example",
      cause: { code: 'ENOTFOUND' },
    })
  })

  test('of each address, when a name has several', async () => {
    const port = await deadPort()
    resolveNames((callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]),
    )
    const error = await rejection(openSocket({ host: 'both.example', port }, { timeout: 5000 }))
    expect(error.code).toBe('ERR_CLIENT_CONNECT')
    expect(error.message).toContain(`can't connect to both.example:${port}: connect `)
    expect(error.message).toContain(`connect ECONNREFUSED 127.0.0.1:${port}`)
    // Refused, or unreachable without IPv6.
    expect(error.message).toContain(`::1:${port}`)
  })

  test('when it takes too long, and gives up not a moment before', async () => {
    turnClockByHand()
    resolveNames(() => {})
    const sockets = watchClientSockets()
    const opening = openSocket({ host: 'slow.example', port: 8888 }, { timeout: 250 })
    const watched = watch(opening)
    vi.advanceTimersByTime(249)
    await turns(2)
    expect(watched.state).toBe('pending')
    vi.advanceTimersByTime(1)
    const error = await rejection(opening)
    expect(error).toMatchObject({
      code: 'ERR_CLIENT_CONNECT',
      message: "can't connect to slow.example:8888: no answer within 250 ms",
    })
    expect(sockets.map(({ socket }) => socket.destroyed)).toEqual([true])
  })

  test('once, when the address comes after it gave up', async () => {
    turnClockByHand()
    const server = await startFakeServer()
    let found: (() => void) | undefined
    resolveNames((callback) => {
      found = () => callback(null, [{ address: '127.0.0.1', family: 4 }])
    })
    const opening = rejection(openSocket({ host: 'slow.example', port: server.port }, { timeout: 250 }))
    await waitFor(
      () => found !== undefined,
      () => 'for the name to be looked up',
    )
    vi.advanceTimersByTime(250)
    expect(await opening).toMatchObject({ code: 'ERR_CLIENT_CONNECT' })
    found?.()
    // A connection of the aborted attempt would be accepted before this one.
    const socket = await open({ port: server.port })
    const side = await server.accepted()
    expect(side.socket.remotePort).toBe(socket.localPort)
  })

  test('when a port is invalid', async () => {
    const error = await rejection(openSocket({ port: 65_536 }, { timeout: 5000 }))
    expect(error).toBeInstanceOf(RangeError)
  })
})

describe('a signal that aborts', () => {
  const reason = new Error('no longer wanted')

  /** Aborts an attempt at a stage, and checks that nothing is left of it. */
  async function abortAt(options: ConnectOptions, stage: () => Promise<unknown>): Promise<void> {
    const sockets = watchClientSockets()
    const abort = new AbortController()
    const connecting = rejection(connect({ ...options, signal: abort.signal }))
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
    await stage()
    abort.abort(reason)
    expect(await connecting).toBe(reason)
    // Node publishes no event for TLS sockets: the server sees them.
    expect(sockets.map(({ socket }) => socket.destroyed)).toEqual('tls' in options ? [] : [true])
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  }

  test('before it begins: nothing is connected', async () => {
    const sockets = watchClientSockets()
    expect(await rejection(connect({ port: 1, signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(sockets).toEqual([])
  })

  test('while the name is looked up', async () => {
    let asked = false
    resolveNames(() => {
      asked = true
    })
    await abortAt({ host: 'slow.example', port: 1 }, () =>
      waitFor(
        () => asked,
        () => 'for the name to be looked up',
      ),
    )
  })

  test('while the connection is made', async () => {
    const server = await startFakeServer()
    await abortAt(server.location as ConnectOptions, async () => {})
  })

  test('during the TLS handshake', async () => {
    const server = await startFakeServer()
    await abortAt({ ...server.location, tls: {} }, async () => (await server.accepted()).receive(1))
    await elementAt(server.sides, 0).untilClosed()
  })

  test('while the server looks at the credentials', async () => {
    const server = await startFakeServer()
    await abortAt({ ...server.location, credentials: 'secret' }, async () => (await server.accepted()).receive(19))
    await elementAt(server.sides, 0).untilClosed()
  })

  test('once it is connected does nothing', async () => {
    const server = await startFakeServer()
    const abort = new AbortController()
    const connecting = connect({ ...server.location, credentials: 'secret', signal: abort.signal })
    const side = await server.accepted()
    await side.receive(19)
    side.send(connAck(1))
    const client = await within(connecting, 'for the client to be authenticated')
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    abort.abort(reason)
    await turns(2)
    expect(client.alive).toBe(true)
  })

  test('is not listened to once connecting has failed', async () => {
    const { signal } = new AbortController()
    await rejection(connect({ path: '/no/such/socket', signal }))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
