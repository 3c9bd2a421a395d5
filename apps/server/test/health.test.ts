import { connect } from 'node:net'
import { submit, submitAck, submitAcks } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { type DemoServer, startDemoServer } from './demo-server.ts'

const READY = { status: 200, text: 'ready\n' }
const DRAINING = { status: 503, text: 'not ready: draining\n' }
const ALIVE = { status: 200, text: 'ok\n' }

/** Longer than any test: a server that ends earlier has not waited for it. */
const AN_HOUR = ['--drain-delay', '1h']

describe('a server that listens', () => {
  it('is alive and ready from its log line on, and has no other page', async () => {
    const server = await startDemoServer()
    expect(await server.probe('/healthz')).toEqual(ALIVE)
    expect(await server.probe('/readyz')).toEqual(READY)
    expect(await server.probe('/readyz?verbose')).toEqual(READY)
    expect(await server.probe('/ready')).toMatchObject({ status: 404 })
  })

  it('is ready also when it has as many connections as it may have', async () => {
    const server = await startDemoServer(['--max-connections', '1'])
    const first = await server.connect()
    const second = await server.connect()
    await second.untilClosed()
    expect(await server.probe('/readyz')).toEqual(READY)
    first.send(submit(1))
    expect(await first.receive(14)).toBe(submitAck(1))
  })
})

describe('a server that drains', () => {
  it('is alive and not ready', async () => {
    const server = await startDemoServer(['--linger-timeout', '0', '--drain-timeout', '0'])
    const peer = await server.connect({ holdsOn: true })
    server.program.signal('SIGTERM')
    await peer.receiveAll()
    expect(await server.probe('/readyz')).toEqual(DRAINING)
    expect(await server.probe('/healthz')).toEqual(ALIVE)
    peer.end()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })
})

describe('--drain-delay', () => {
  it('has it not ready from the first moment on, and accept and answer as ever until the delay is over', async () => {
    const delay = 1500
    const server = await startDemoServer(['--drain-delay', `${delay}ms`])
    const early = await server.connect()
    const startedAt = performance.now()
    server.program.signal('SIGTERM')
    const [line] = await server.untilLogged('draining')
    expect(line).toMatchObject({ level: 30, signal: 'SIGTERM', connections: 1, drainDelay: delay })
    expect(await server.probe('/readyz')).toEqual(DRAINING)

    const late = await server.connect()
    for (const peer of [early, late]) peer.send(submit(1))
    for (const peer of [early, late]) expect(await peer.receive(14)).toBe(submitAck(1))
    late.send(submit(2))
    expect(await late.receive(28)).toBe(submitAcks(1, 2))
    const answeredAt = performance.now() - startedAt
    for (const peer of [early, late]) await peer.receiveAll()
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(delay)
    expect(answeredAt, 'the machine is too slow for this test to say anything').toBeLessThan(delay)
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', connections: 2, cutOff: 0, unanswered: 0 })
  })

  it('is over at once at a second signal, with exit status 4', async () => {
    const server = await startDemoServer(AN_HOUR)
    await server.connect()
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    server.program.signal('SIGINT')
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
    expect(server.log.at(-1)).toMatchObject({ level: 40, signal: 'SIGINT', connections: 1 })
  })

  it('sends no client that disconnects back to it: the connections that end are peer-closed', async () => {
    const server = await startDemoServer(AN_HOUR)
    const peer = await server.connect()
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    peer.end(submit(1))
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await server.untilLogged('connection closed')).toMatchObject([{ reason: 'peer-closed', requests: 1 }])
  })

  it('is none unless it is asked for', async () => {
    const server = await startDemoServer()
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.logged('draining')).toMatchObject([{ drainDelay: 0 }])
    expect(await refused(server)).toBe('ECONNREFUSED')
  })
})

function refused({ port }: DemoServer): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    socket.once('connect', () => resolve(undefined))
  })
}
