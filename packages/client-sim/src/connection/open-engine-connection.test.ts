import { getEventListeners } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { EngineAddress, EngineConnection } from '@demo/engine'
import { startFakeServer } from '@demo/testkit/fake-server'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { turns, waitFor, within } from '@demo/testkit/wait-for'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ServerLocation } from '../index.ts'
import { turnClockByHand } from '../testing/connected.ts'
import { deadPort } from '../testing/dead-port.ts'
import { elementAt } from '../testing/element-at.ts'
import { rejection, watch } from '../testing/outcome.ts'
import { resolveNames } from '../testing/resolve-names.ts'
import { isNative } from '../testing/test-engine.ts'
import { nativeEngine } from './native-engine.ts'
import { openEngineConnection } from './open-engine-connection.ts'
import { openSocket } from './open-socket.ts'

async function begin(location: ServerLocation, timeout = 5000, signal?: AbortSignal): Promise<EngineConnection> {
  return openEngineConnection(await nativeEngine(), location, timeout, signal)
}

async function open(location: ServerLocation, timeout = 5000): Promise<EngineConnection> {
  const connection = await within(begin(location, timeout), 'for a connection to open')
  onTestFinished(() => connection.destroy())
  return connection
}

/** The error of a socket of Node with the same location: the engine's must be the same. */
async function errorOfNode(location: ServerLocation): Promise<Record<string, unknown>> {
  const { code, message, cause } = await rejection(openSocket(location, { timeout: 5000 }))
  const { message: reason, ...fields } = cause as NodeJS.ErrnoException
  return { code, message, cause: expect.objectContaining({ message: reason, ...fields }) }
}

const openDescriptors = () => readdirSync('/proc/self/fd').length

/** Waits until as many descriptors are open as before: what was given up is closed. */
const untilClosed = (before: number) =>
  waitFor(
    () => openDescriptors() <= before,
    () => `for descriptors to be closed: ${openDescriptors()} are open, ${before} were`,
  )

describe.runIf(isNative)('the native engine connects', () => {
  test('to a host and a port', async () => {
    const server = await startFakeServer()
    const connection = await open({ host: '127.0.0.1', port: server.port })
    connection.write(Buffer.from('hello'))
    const side = await server.accepted()
    await side.receive(5)
    expect(side.receivedBytes.toString()).toBe('hello')
    expect(connection).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: server.port })
  })

  test('to 127.0.0.1 unless a host is given', async () => {
    const server = await startFakeServer()
    expect((await open({ port: server.port })).remoteAddress).toBe('127.0.0.1')
  })

  test('to localhost where the host is empty, as Node does', async () => {
    const server = await startFakeServer()
    resolveNames((callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]))
    expect((await open({ host: '', port: server.port })).remotePort).toBe(server.port)
  })

  test('to the address of IPv6, also with a zone', async () => {
    const server = createServer((socket) => socket.on('error', () => {}))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen({ host: '::1', port: 0 }, resolve))
    const { port } = server.address() as { port: number }
    for (const host of ['::1', '::1%lo']) {
      const connection = await open({ host, port })
      expect(connection.remoteAddress).toBe('::1')
      connection.destroy()
    }
  })

  test('to a Unix socket', async () => {
    const server = await startFakeServer({ unix: true })
    const connection = await open(server.location)
    connection.write(Buffer.from('hello'))
    await (await server.accepted()).receive(5)
  })

  test('to an abstract Unix socket of Node, which may fill up its name with zeros', async () => {
    const path = `\0${join(temporaryFolder(), 'abstract')}`
    const server = createServer((socket) => socket.on('error', () => {}))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(path, resolve))
    expect((await open({ path })).destroyed).toBe(false)
  })

  test('to an abstract Unix socket whose name is as long as it is', async () => {
    const path = `\0${join(temporaryFolder(), 'abstract')}`
    const engine = await nativeEngine()
    const options = { backlog: 1, highWaterMark: 1, keep: false, onConnection() {}, onError() {} }
    const listener = engine.listen({ ...options, where: { path } })
    onTestFinished(() => listener.close())
    expect((await open({ path })).destroyed).toBe(false)
  })

  test('to the next address of a name where one refuses', async () => {
    const server = await startFakeServer()
    resolveNames((callback) =>
      callback(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]),
    )
    expect((await open({ host: 'many.example', port: server.port })).remoteAddress).toBe('127.0.0.1')
  })

  test('and lets its clock go', async () => {
    turnClockByHand()
    const server = await startFakeServer()
    const connection = await open({ port: server.port }, 100)
    expect(vi.getTimerCount()).toBe(0)
    expect(connection.destroyed).toBe(false)
  })

  test('without a clock when the time-out is 0', async () => {
    turnClockByHand()
    resolveNames(() => {})
    const opening = watch(begin({ host: 'slow.example', port: 1 }, 0))
    vi.advanceTimersByTime(3_600_000)
    await turns(2)
    expect(opening.state).toBe('pending')
  })
})

describe.runIf(isNative)('the native engine says what is wrong, as Node does', () => {
  test('when no server listens', async () => {
    const port = await deadPort()
    const expected = await errorOfNode({ port })
    expect(await rejection(begin({ port }))).toMatchObject(expected)
  })

  test('when there is no such Unix socket', async () => {
    const path = '/no/such/socket'
    expect(await rejection(begin({ path }))).toMatchObject(await errorOfNode({ path }))
  })

  test('when no process listens on a Unix socket', async () => {
    const path = join(temporaryFolder(), 'socket')
    const engine = await nativeEngine()
    const options = { backlog: 1, highWaterMark: 1, keep: false, onConnection() {}, onError() {} }
    // It leaves its file behind.
    engine.listen({ ...options, where: { path } }).close()
    const expected = await errorOfNode({ path })
    expect(expected).toMatchObject({ message: expect.stringContaining('connect ECONNREFUSED') })
    expect(await rejection(begin({ path }))).toMatchObject(expected)
  })

  test('when a name does not exist', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND nobody.example'), { code: 'ENOTFOUND' })
    resolveNames((callback) => callback(notFound, []))
    const where = { host: 'nobody.example', port: 8888 }
    expect(await rejection(begin(where))).toMatchObject(await errorOfNode(where))
  })

  test('of each address, when a name has several, in turn of their families', async () => {
    const port = await deadPort()
    resolveNames((callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
        { address: '::1', family: 6 },
      ]),
    )
    const where = { host: 'many.example', port }
    const [own, node] = [await rejection(begin(where)), await rejection(openSocket(where, { timeout: 5000 }))]
    expect(own.message).toBe(node.message)
    expect((own.cause as AggregateError).errors).toHaveLength(3)
  })

  test('when it takes too long to look up a name, and gives up not a moment before', async () => {
    turnClockByHand()
    resolveNames(() => {})
    const opening = begin({ host: 'slow.example', port: 8888 }, 250)
    const watched = watch(opening)
    await turns(2)
    vi.advanceTimersByTime(249)
    await turns(2)
    expect(watched.state).toBe('pending')
    vi.advanceTimersByTime(1)
    expect(await rejection(opening)).toMatchObject({
      code: 'ERR_CLIENT_CONNECT',
      message: "can't connect to slow.example:8888: no answer within 250 ms",
    })
  })

  test('once, when the address comes after it gave up', async () => {
    turnClockByHand()
    const server = await startFakeServer()
    let found: (() => void) | undefined
    resolveNames((callback) => {
      found = () => callback(null, [{ address: '127.0.0.1', family: 4 }])
    })
    const opening = rejection(begin({ host: 'slow.example', port: server.port }, 250))
    await waitFor(
      () => found !== undefined,
      () => 'for the name to be looked up',
    )
    vi.advanceTimersByTime(250)
    expect(await opening).toMatchObject({ code: 'ERR_CLIENT_CONNECT' })
    const before = openDescriptors()
    found?.()
    expect(openDescriptors()).toBe(before)
  })

  test.each([65_536, -1, 1.5, Number.NaN, '8888' as unknown as number])('when the port is %j', async (port) => {
    const error = await rejection(begin({ port }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toMatch(/^invalid port .*: expected an integer from 0 to 65535$/)
  })

  test('when a host is not a text', async () => {
    const host = 7 as unknown as string
    turnClockByHand()
    expect(await rejection(begin({ host, port: 1 }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

/**
 * Listens without accepting, and fills the backlog: to TCP the system answers no further connection, and to a Unix socket it
 * refuses it.
 */
async function fullListener(where: EngineAddress): Promise<EngineAddress> {
  const engine = await nativeEngine()
  const options = { where, backlog: 0, highWaterMark: 1, keep: false, onConnection() {}, onError() {} }
  const listener = engine.listen(options)
  listener.pause()
  const { address } = listener
  const filling = Array.from({ length: 8 }, () => {
    const socket = connect('path' in address ? address : { host: address.address, port: address.port })
    return socket.on('error', () => {})
  })
  onTestFinished(() => {
    listener.close()
    for (const socket of filling) socket.destroy()
  })
  await new Promise((resolve) => elementAt(filling, 0).once('connect', resolve))
  await turns(3)
  return address
}

async function silentPort(): Promise<number> {
  const where = await fullListener({ address: '127.0.0.1', port: 0 })
  return 'port' in where ? where.port : 0
}

describe.runIf(isNative)('a server that takes no more connections', () => {
  test('is given up after the time limit, and nothing of the connection is left', async () => {
    const port = await silentPort()
    const before = openDescriptors()
    const error = await rejection(begin({ port }, 100))
    expect(error).toMatchObject({
      code: 'ERR_CLIENT_CONNECT',
      message: `can't connect to 127.0.0.1:${port}: no answer within 100 ms`,
    })
    await untilClosed(before)
  })

  test('is given up when the signal aborts, and nothing of the connection is left', async () => {
    const port = await silentPort()
    const before = openDescriptors()
    const abort = new AbortController()
    const opening = rejection(begin({ port }, 0, abort.signal))
    await waitFor(
      () => openDescriptors() > before,
      () => 'for the connection to be begun',
    )
    const reason = new Error('no longer wanted')
    abort.abort(reason)
    expect(await opening).toBe(reason)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await untilClosed(before)
  })

  test('is left for the next address of the name', async () => {
    const port = await silentPort()
    const server = createServer((socket) => socket.on('error', () => {}))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.2', port }, resolve))
    resolveNames((callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]),
    )
    expect((await open({ host: 'both.example', port })).remoteAddress).toBe('127.0.0.2')
  })

  test('on a Unix socket refuses at once, as with Node', async () => {
    const where = await fullListener({ path: join(temporaryFolder(), 'socket') })
    const path = 'path' in where ? where.path : ''
    const expected = await errorOfNode({ path })
    expect(expected).toMatchObject({ message: expect.stringContaining('connect EAGAIN') })
    expect(await rejection(begin({ path }))).toMatchObject(expected)
  })
})

describe.runIf(isNative)('a signal that aborts the native engine', () => {
  const reason = new Error('no longer wanted')

  test('before it begins: no name is looked up', async () => {
    let asked = 0
    resolveNames(() => {
      asked += 1
    })
    expect(await rejection(begin({ host: 'a.example', port: 1 }, 5000, AbortSignal.abort(reason)))).toBe(reason)
    expect(asked).toBe(0)
  })

  test('while the name is looked up', async () => {
    let asked = false
    resolveNames(() => {
      asked = true
    })
    const abort = new AbortController()
    const opening = rejection(begin({ host: 'slow.example', port: 1 }, 5000, abort.signal))
    await waitFor(
      () => asked,
      () => 'for the name to be looked up',
    )
    abort.abort(reason)
    expect(await opening).toBe(reason)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })

  test('has one listener for any number of connections', async () => {
    resolveNames(() => {})
    const abort = new AbortController()
    const warnings: unknown[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    onTestFinished(() => void process.off('warning', warn))
    const opening = Array.from({ length: 1000 }, () =>
      rejection(begin({ host: 'slow.example', port: 1 }, 5000, abort.signal)),
    )
    await turns(2)
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
    abort.abort(reason)
    expect(new Set(await Promise.all(opening))).toEqual(new Set([reason]))
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    expect(warnings).toEqual([])
  })

  test('once it is connected does nothing', async () => {
    const server = await startFakeServer()
    const abort = new AbortController()
    const connection = await within(begin({ port: server.port }, 5000, abort.signal), 'for a connection')
    onTestFinished(() => connection.destroy())
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    abort.abort(reason)
    await turns(2)
    expect(connection.destroyed).toBe(false)
  })
})
