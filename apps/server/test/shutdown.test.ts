import { connect } from 'node:net'
import { PipeliningPeer } from '@demo/testkit/pipelining-peer'
import { waitFor } from '@demo/testkit/wait-for'
import { manySubmitAcks, manySubmits, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { type DemoServer, startDemoServer, startDemoServerProgram } from './demo-server.ts'

const ACK_LENGTH = 14

const REFUSED = 'ECONNREFUSED'

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('stops a server without connections, with exit status 0', async () => {
    const { program } = await startDemoServer()
    program.signal(signal)
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toBe('')
  })

  it('drains a server that has just logged that it listens', async () => {
    // Many times, because the time between the line and the next step is short.
    for (let i = 0; i < 5; i++) {
      const program = startDemoServerProgram(['--port', '0', '--metrics-port', '0'])
      program.signalAt('listening', signal)
      expect(await program.exit()).toEqual({ status: 0, signal: null })
    }
  })

  it('ends idle connections with a FIN, and logs it', async () => {
    const server = await startDemoServer()
    const peers = [await server.connect(), await server.connect()]
    for (const peer of peers) {
      peer.send(submits(1, 3))
      await peer.receive(3 * ACK_LENGTH)
    }
    server.program.signal(signal)
    for (const peer of peers) expect(await peer.receiveAll()).toBe(submitAcks(1, 3))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.logged('draining')).toMatchObject([{ level: 30, signal, connections: 2 }])
    expect(server.logged('connection closed')).toMatchObject([{ reason: 'draining' }, { reason: 'draining' }])
    expect(server.log.at(-1)).toMatchObject({ level: 30, msg: 'stopped', connections: 2, cutOff: 0, unanswered: 0 })
  })

  it('under load lets every request that the server counted be answered', async () => {
    const server = await startDemoServer()
    const peers = Array.from({ length: 4 }, (_, i) => new PipeliningPeer(server.port, 500 * (i + 1)))
    await waitFor(
      () => peers.every(({ answers }) => answers > 20_000),
      () => `for load; there are ${peers.map(({ answers }) => answers)} answers`,
    )
    server.program.signal(signal)
    for (const peer of peers) await peer.untilEnded()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })

    const closed = server.logged('connection closed')
    expect(closed).toHaveLength(peers.length)
    for (const peer of peers) {
      const { requests, sentBytes, reason } = closed.find(({ remotePort }) => remotePort === peer.localPort) ?? {}
      expect(reason).toBe('draining')
      expect(peer.answers).toBe(requests)
      expect(peer.received.length).toBe(sentBytes)
      expect(peer.received.equals(manySubmitAcks(1, peer.answers)), 'each request once, in order').toBe(true)
    }
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', connections: 4, cutOff: 0, unanswered: 0 })
  })
})

describe('a server that drains', () => {
  it('accepts no new connections, and still serves its metrics', async () => {
    const server = await startDemoServer(['--linger-timeout', '0', '--drain-timeout', '0'])
    const peer = await server.connect({ holdsOn: true })
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    await peer.receiveAll()

    const late = connect({ host: '127.0.0.1', port: server.port })
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => late.once('error', resolve))
    expect(error.code).toBe(REFUSED)
    expect((await server.scrape()).value('client_connected')).toBe(1)

    peer.end()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('waits for a peer that reads its acks slowly', async () => {
    const server = await startDemoServer()
    const { peer, remotePort } = await stalledPeer(server)
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    peer.read()
    await peer.receiveAll()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })

    const [line] = server.logged('connection closed')
    expect(line).toMatchObject({ remotePort, reason: 'draining', sentBytes: peer.receivedLength })
    expect(peer.receivedLength).toBe(Number(line?.['requests']) * ACK_LENGTH)
    expect(peer.receivedBytes.equals(manySubmitAcks(1, Number(line?.['requests'])))).toBe(true)
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', cutOff: 0, unanswered: 0 })
  })

  it('drains also after the reader of its log has gone', async () => {
    // Ctrl-C in `demo-server 2>&1 | tee log` ends tee as well, perhaps first.
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(submit(1))
    await peer.receive(ACK_LENGTH)
    server.program.breakPipe('stderr')
    const bad = await server.connect()
    bad.send('00000000')
    expect(await bad.receiveAll()).toBe('')
    peer.send(submit(2))
    await peer.receive(2 * ACK_LENGTH)
    server.program.signal('SIGTERM')
    expect(await peer.receiveAll()).toBe(submitAcks(1, 2))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('does not handle a part of a frame', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(submit(1) + submit(2).slice(0, -2))
    expect(await peer.receive(ACK_LENGTH)).toBe(submitAck(1))
    server.program.signal('SIGTERM')
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.logged('connection closed')).toMatchObject([{ reason: 'draining', requests: 1 }])
  })

  it('does not wait for longer than --linger-timeout for a peer that never ends its side', async () => {
    const server = await startDemoServer(['--linger-timeout', '50ms', '--drain-timeout', '0'])
    const peer = await server.connect({ holdsOn: true })
    peer.send(submit(1))
    server.program.signal('SIGTERM')
    await peer.receiveAll()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', cutOff: 0 })
  })

  it('cuts off unanswered requests at --drain-timeout, logs it, and ends with exit status 4', async () => {
    const server = await startDemoServer(['--drain-timeout', '100ms'])
    const { remotePort } = await stalledPeer(server)
    const idle = await server.connect()
    server.program.signal('SIGTERM')
    expect(await idle.receiveAll()).toBe('')
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
    const closed = server.logged('connection closed')
    expect(closed.find((line) => line['remotePort'] === remotePort)).toMatchObject({
      level: 40,
      reason: 'drain-timeout',
    })
    expect(closed.find((line) => line['remotePort'] !== remotePort)).toMatchObject({ level: 30, reason: 'draining' })
    expect(server.log.at(-1)).toMatchObject({ level: 40, connections: 2, cutOff: 1 })
    expect(server.log.at(-1)?.['msg']).toMatch(/deadline/)
  })
})

describe('a second signal', () => {
  it.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const)('ends the process at once with exit status 4: %s, then %s', async (first, second) => {
    const server = await startDemoServer(['--linger-timeout', '0', '--drain-timeout', '0'])
    const peer = await server.connect({ holdsOn: true })
    server.program.signal(first)
    await peer.receiveAll()
    await server.untilLogged('draining')
    server.program.signal(second)
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
    expect(server.log.at(-1)).toMatchObject({ level: 40, signal: second, connections: 1 })
  })
})

/** A peer that sends requests and reads no acks, until the server stops reading. */
async function stalledPeer(server: DemoServer) {
  const peer = await server.connect({ reads: false })
  const requests = 2_000_000
  peer.send(manySubmits(1, requests))
  let before = -1
  let unchanged = 0
  await server.untilScraped('the server to stop reading', (metrics) => {
    const received = metrics.value('received_bytes_total')
    unchanged = received > 0 && received === before ? unchanged + 1 : 0
    before = received
    return unchanged === 5
  })
  expect(before, 'it stopped because of the acks, and there were more requests').toBeLessThan(requests * 13)
  return { peer, remotePort: peer.localPort }
}
