import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { waitFor, within } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createServer, type ListenOptions, MAX_SOCKET_PATH_LENGTH, type Server } from './index.ts'
import { Gate, startServer } from './testing/harness.ts'
import { connectPeer } from './testing/peer.ts'

/** A server that is closed when its test is over, and does not listen yet. */
function idleServer(): Server {
  const server = createServer({ onSubmit: () => 0 })
  onTestFinished(async () => {
    await server.close({ timeout: 1 })
  })
  return server
}

function temporaryPath(name: string): string {
  return join(temporaryFolder(), name)
}

function portOf({ address }: Server): number {
  if (address === undefined || !('port' in address)) throw new Error('the server listens on no port')
  return address.port
}

describe('listen', () => {
  test('takes a free port for port 0, on 127.0.0.1 unless told otherwise, and says which', async () => {
    const server = idleServer()
    expect(server.address).toBeUndefined()
    const address = await server.listen({ port: 0 })
    expect(address).toEqual({ address: '127.0.0.1', port: expect.any(Number) })
    expect(portOf(server)).toBeGreaterThan(0)
    expect(server.address).toEqual(address)
  })

  test('listens on the host it is given', async () => {
    const server = idleServer()
    expect(await server.listen({ host: '0.0.0.0', port: 0 })).toMatchObject({ address: '0.0.0.0' })
  })

  test('serves on a Unix socket, and leaves no file behind', async () => {
    const path = temporaryPath('s.sock')
    const server = idleServer()
    expect(await server.listen({ path })).toEqual({ path })
    expect(server.address).toEqual({ path })

    const peer = await connectPeer({ path })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    const [session] = server.sessions
    expect(session).toMatchObject({ remoteAddress: undefined, remotePort: undefined })

    const summary = await server.close()
    expect(summary.connections).toBe(1)
    expect(server.address).toBeUndefined()
    await expect(connectPeer({ path })).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('fails with EADDRINUSE on a port that is taken, and can listen on another then', async () => {
    const first = idleServer()
    await first.listen({ port: 0 })
    const second = idleServer()
    await expect(second.listen({ port: portOf(first) })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(second.address).toBeUndefined()

    const address = await second.listen({ port: 0 })
    const peer = await connectPeer(address)
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
  })

  test('may be tried again and again until the port is free, and leaves nothing behind', async () => {
    const { warnings } = watchProcess()
    const first = idleServer()
    await first.listen({ port: 0 })
    const port = portOf(first)
    const second = idleServer()
    // One more than the listeners that Node takes for a leak.
    for (let i = 0; i < 11; i++) {
      await expect(second.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    }
    await first.close()
    expect(await second.listen({ port })).toMatchObject({ port })
    expect(warnings).toEqual([])
  })

  test('fails with the system’s code on a path that can’t be', async () => {
    const server = idleServer()
    await expect(server.listen({ path: temporaryPath('none/s.sock') })).rejects.toMatchObject({
      code: expect.stringMatching(/^E(NOENT|ACCES)$/),
    })
    expect(server.address).toBeUndefined()
  })

  test.each<[unknown, string]>([
    [-1, "'-1'"],
    [65_536, "'65536'"],
    [1.5, "'1.5'"],
    [Number.NaN, "'NaN'"],
    ['x', "'x'"],
    ['', "''"],
    ['0x50', "'0x50'"],
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, '{}'],
  ])('fails on port %j', async (port, shown) => {
    const server = idleServer()
    await expect(server.listen({ port: port as number })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'ERR_SOCKET_BAD_PORT',
      message: `invalid port ${shown}: expected 0–65535`,
    })
    expect(server.address).toBeUndefined()
  })

  test.each([
    { host: '', port: 0 },
    { host: 7 as unknown as string, port: 0 },
    { path: '' },
    { path: 7 as unknown as string },
    { path: `${tmpdir()}/one\0two` },
  ])('fails on %j, and does not listen somewhere else', async (where) => {
    const server = idleServer()
    await expect(server.listen(where)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
    expect(server.address).toBeUndefined()
  })

  test.runIf(process.platform === 'linux').each([
    ['ASCII', 'x', 1],
    ['two bytes a letter', 'ä', 2],
  ])('takes a path up to the limit in bytes, and no longer one: %s', async (_what, letter, bytes) => {
    const folder = temporaryPath('')
    const room = MAX_SOCKET_PATH_LENGTH - Buffer.byteLength(`${folder}/`)
    const longest = letter.repeat(Math.floor(room / bytes)).padStart(Math.ceil(room / bytes), 'x')
    const path = join(folder, longest)
    expect(Buffer.byteLength(path)).toBe(MAX_SOCKET_PATH_LENGTH)
    const server = idleServer()
    await expect(server.listen({ path: `${path}x` })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'ENAMETOOLONG',
      message: `path too long: "${path}x" has 108 bytes, a Unix socket's path has at most 107`,
    })
    expect(readdirSync(folder)).toEqual([])
    expect(await server.listen({ path })).toEqual({ path })
    expect(readdirSync(folder)).toEqual([longest])
    const peer = await connectPeer({ path })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
  })

  test.runIf(process.platform === 'linux')('takes an abstract socket up to the same limit', async () => {
    const name = `\0server-test-${process.pid}-`.padEnd(108, 'x')
    const server = idleServer()
    await expect(server.listen({ path: `${name}x` })).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
    expect(await server.listen({ path: name })).toEqual({ path: name })
    const peer = await connectPeer({ path: name })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
  })

  test.each(['127.0.0.1', 'localhost'])('twice at once: the second fails, the first listens on %s', async (host) => {
    const server = idleServer()
    const [first, second] = await Promise.allSettled([
      server.listen({ host, port: 0 }),
      server.listen({ host, port: 0 }),
    ])
    expect(first).toEqual({ status: 'fulfilled', value: server.address })
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_SERVER_ALREADY_LISTEN', message: expect.stringContaining('listens already') },
    })
    const peer = await connectPeer(server.address ?? { path: 'none' })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
  })

  test('twice at once on a Unix socket and a port: one server, one address', async () => {
    const path = temporaryPath('s.sock')
    const server = idleServer()
    const [first, second] = await Promise.allSettled([server.listen({ path }), server.listen({ port: 0 })])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect(server.address).toEqual({ path })
  })

  test.each<[string, ListenOptions]>([
    ['a port that is none', { port: -1 }],
    ['a host that nobody knows', { host: 'nobody.invalid', port: 0 }],
    ['a path that is too long', { path: `/tmp/${'x'.repeat(200)}` }],
    ['a folder that is missing', { path: '/nowhere/at/all/s.sock' }],
  ])('after a failure it may be tried again: %s', async (_what, where) => {
    const server = idleServer()
    await expect(server.listen(where)).rejects.toThrow()
    expect(await server.listen({ port: 0 })).toEqual(server.address)
  })

  test('fails when it listens already, and goes on listening', async () => {
    const server = idleServer()
    const address = await server.listen({ port: 0 })
    await expect(server.listen({ port: 0 })).rejects.toMatchObject({ code: 'ERR_SERVER_ALREADY_LISTEN' })
    const peer = await connectPeer(address)
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
  })

  test('fails once the server is closed: a closed server stays closed', async () => {
    const server = idleServer()
    await server.listen({ port: 0 })
    await server.close()
    await expect(within(server.listen({ port: 0 }), 'for listen to fail')).rejects.toMatchObject({
      code: 'ERR_SERVER_CLOSED',
      message: 'the server is closed: create a new one',
    })
    expect(server.address).toBeUndefined()
  })

  test('that is not waited for before close(): both settle, and nobody listens in the end', async () => {
    const server = idleServer()
    const listening = server.listen({ port: 0 }).then(
      () => 'listening',
      (error) => error.code,
    )
    const closing = server.close()
    await within(closing, 'for the server to be closed')
    expect(await within(listening, 'for listen to settle')).toMatch(/^(listening|ERR_SERVER_CLOSED)$/)
    expect(server.address).toBeUndefined()
  })
})

describe('maxConnections', () => {
  test('closes an excess connection at once, says so, and lets nobody else feel it', async () => {
    const { server, open, connect, closings, opened, untilClosed } = await startServer({}, { maxConnections: 2 })
    const first = await open()
    const second = await open()
    const excess = await connect()
    await excess.untilClosed()
    await untilClosed(1)

    expect(excess.received).toBe('')
    expect(closings).toMatchObject([{ reason: 'too-many-connections', error: new Error('2 connections are open') }])
    expect(opened).toHaveLength(2)
    expect(server.counters.connectionsOpened).toBe(3)
    expect(server.counters.connectionsClosed['too-many-connections']).toBe(1)
    expect([...server.sessions]).toEqual([first.session, second.session])

    for (const { peer } of [first, second]) {
      peer.send(submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
  })

  test('handles nothing that an excess connection sends', async () => {
    const seen: string[] = []
    const onSubmit = ({ id }: { id: string }) => {
      seen.push(id)
      return 0 as const
    }
    const { open, connect, untilClosed } = await startServer({ onSubmit }, { maxConnections: 1 })
    await open()
    const excess = await connect()
    excess.send(submit(7))
    await excess.untilClosed()
    await untilClosed(1)
    expect(seen).toEqual([])
  })

  test('has room again when a connection is gone', async () => {
    const { open, connect, untilClosed } = await startServer({}, { maxConnections: 1 })
    const first = await open()
    const excess = await connect()
    await excess.untilClosed()
    first.peer.end()
    const closings = await untilClosed(2)
    expect(closings.map(({ reason }) => reason)).toEqual(['too-many-connections', 'peer-closed'])

    const next = await open()
    next.peer.send(submit(1))
    expect(await next.peer.receive(14)).toBe(submitAck(1))
  })

  test('gives excess connections of one moment no room of each other', async () => {
    const { server, connect, untilClosed } = await startServer({}, { maxConnections: 3 })
    const peers = await Promise.all(Array.from({ length: 12 }, () => connect()))
    await untilClosed(9)
    await waitFor(
      () => server.sessions.size === 3,
      () => `for 3 sessions; there are ${server.sessions.size}`,
    )
    expect(server.counters.connectionsClosed['too-many-connections']).toBe(9)
    for (const peer of peers) peer.end()
    const closings = await untilClosed(12)
    expect(closings.filter(({ reason }) => reason === 'peer-closed')).toHaveLength(3)
  })

  test('is never above what the limit of open files leaves room for', () => {
    const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
    const limit = Number(report.userLimits?.open_files?.soft)
    const server = createServer({ onSubmit: () => 0 }, { maxConnections: 2 ** 31 - 1 })
    // Where there is no such limit it is no number, and the option alone counts.
    expect(server.maxConnections).toBe(Number.isNaN(limit) ? 2 ** 31 - 1 : limit - 64)
    expect(createServer({ onSubmit: () => 0 }, { maxConnections: 5 }).maxConnections).toBe(5)
  })
})

describe('sessions', () => {
  test('are those that are open now, each with a number of its own and the address of its peer', async () => {
    const { server, open, untilClosed } = await startServer()
    expect(server.sessions.size).toBe(0)
    const first = await open()
    const second = await open()
    expect([...server.sessions]).toEqual([first.session, second.session])
    expect(first.session.id).not.toBe(second.session.id)
    for (const { peer, session } of [first, second]) {
      expect(session).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: peer.localPort, state: 'open' })
    }
    first.peer.end()
    await untilClosed(1)
    expect([...server.sessions]).toEqual([second.session])
  })
})

describe('what close gives', () => {
  test('all zeros for a server that never listened', async () => {
    expect(await idleServer().close()).toEqual({
      connections: 0,
      cutOff: 0,
      unanswered: 0,
      duration: expect.any(Number),
    })
  })

  test('the connections there were, none cut off, and how long it took', async () => {
    const { server, open } = await startServer()
    for (let i = 0; i < 3; i++) await open()
    const startedAt = performance.now()
    const summary = await server.close()
    expect(summary).toMatchObject({ connections: 3, cutOff: 0, unanswered: 0 })
    expect(summary.duration).toBeGreaterThan(0)
    expect(summary.duration).toBeLessThanOrEqual(performance.now() - startedAt)
  })

  test('the same promise the second time, whatever the timeout', async () => {
    const { server, open } = await startServer()
    await open()
    const first = server.close()
    expect(server.close({ timeout: 5 })).toBe(first)
    await first
    expect(server.close()).toBe(first)
  })

  test('nobody listens any more', async () => {
    const { server, address } = await startServer()
    await server.close()
    expect(server.address).toBeUndefined()
    await expect(connectPeer(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('the connections cut off, and the requests of theirs that got no answer', async () => {
    const gate = new Gate()
    const { server, open } = await startServer({ onSubmit: gate.wait })
    const stuck = await open()
    await open()
    stuck.peer.send(submit(1) + submit(2) + submit(3))
    await gate.holds(3)
    expect(await server.close({ timeout: 20 })).toMatchObject({ connections: 2, cutOff: 1, unanswered: 3 })
  })
})

test('await using closes the server', async () => {
  let address: { address: string; port: number } | { path: string }
  {
    await using server = createServer({ onSubmit: () => 0 })
    address = await server.listen({ port: 0 })
    const peer = await connectPeer(address)
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  }
  await expect(connectPeer(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
