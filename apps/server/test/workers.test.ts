import { existsSync, unlinkSync } from 'node:fs'
import type { Peer } from '@demo/testkit/peer'
import { PipeliningPeer } from '@demo/testkit/pipelining-peer'
import { takePort } from '@demo/testkit/ports'
import { waitFor } from '@demo/testkit/wait-for'
import { connAck, manySubmitAcks, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { answersOfBoth, countByWorker, isAlive, pidsOf, startWorkers } from './cluster-server.ts'
import { complaint } from './complaint.ts'
import { type DemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const WORKERS = ['--workers', '2', '--metrics-port', '0']

describe('--workers', () => {
  it('logs once where all of them listen, and distributes the connections evenly', async () => {
    const server = await startWorkers(3)
    expect(server.logged('listening')).toMatchObject([{ workers: 3, port: server.port, pid: server.program.pid }])
    expect(countByWorker(server.logged('worker listening'))).toEqual({ 1: 1, 2: 1, 3: 1 })
    for (let i = 1; i <= 30; i++) {
      const peer = await server.connect()
      peer.send(submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
    const opened = await server.untilLogged('connection opened', 30)
    expect(Math.max(...Object.values(countByWorker(opened)))).toBeLessThanOrEqual(12)
    expect(Math.min(...Object.values(countByWorker(opened)))).toBeGreaterThanOrEqual(8)
  })

  it('has one endpoint with the sums', async () => {
    const server = await startWorkers(2)
    const peers: Peer[] = []
    for (let i = 0; i < 10; i++) {
      const peer = await server.connect()
      peers.push(peer)
      peer.send(submits(1, 100))
      expect(await peer.receive(1400)).toBe(submitAcks(1, 100))
    }
    const metrics = await server.scrape()
    expect(metrics.value('req_recv_total')).toBe(1000)
    expect(metrics.value('rsp_send_total')).toBe(1000)
    expect(metrics.value('client_connected')).toBe(10)
    expect(metrics.value('workers')).toBe(2)
    expect(metrics.value('worker_restarts_total')).toBe(0)
    for (const peer of peers) peer.end()
    await server.untilScraped('all to be gone', ({ closed }) => closed['peer-closed'] === 10)
    expect(countByWorker(server.logged('connection closed'))).toEqual({ 1: 5, 2: 5 })
  })

  it('is alive and ready when all listen', async () => {
    const server = await startWorkers(2)
    expect(await server.probe('/healthz')).toMatchObject({ status: 200 })
    expect(await server.probe('/readyz')).toMatchObject({ status: 200 })
  })

  it('accepts a Unix socket and tokens like one process, and SIGHUP reaches all workers', async () => {
    const folder = new Folder()
    const flags = ['--listen-path', folder.at('socket'), '--auth-tokens-file', folder.write('tokens', 'old')]
    const server = await startWorkers(2, flags)
    expect(await answersOfBoth(server, 'old')).toEqual([connAck(1), connAck(1)])
    folder.write('tokens', 'new')
    server.program.signal('SIGHUP')
    expect(countByWorker(await server.untilLogged('reloaded', 2))).toEqual({ 1: 1, 2: 1 })
    expect(await answersOfBoth(server, 'old')).toEqual([connAck(1, 1), connAck(1, 1)])
    expect(await answersOfBoth(server, 'new')).toEqual([connAck(1), connAck(1)])
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(folder.has('socket')).toBe(false)
  })

  it('removes its own Unix socket at its end, and no other that has taken the path', async () => {
    const path = new Folder().at('socket')
    const server = await startWorkers(2, ['--listen-path', path])
    unlinkSync(path)
    await startWorkers(2, ['--listen-path', path])
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(existsSync(path)).toBe(true)
  })

  it('refuses a path that is too long, in one line', async () => {
    const path = new Folder().at('x'.repeat(120))
    const line = await complaint(startDemoServerProgram([...WORKERS, '--listen-path', path]), 3)
    expect(line).toContain(`can't listen on ${path}`)
  })

  it.each([
    { args: ['--workers', '0'], named: '1 to 1024' },
    { args: ['--workers', '1025'], named: '1 to 1024' },
    { args: ['--workers', '-1'], named: '-1' },
    { args: ['--workers', 'many'], named: 'auto' },
  ])('is a number from 1 on, or auto: $args', async ({ args, named }) => {
    const line = await complaint(startDemoServerProgram(args), 2)
    expect(line).toContain('--workers')
    expect(line).toContain(named)
  })
})

describe('what is wrong with all workers', () => {
  it('is said in one line: the port is taken', async () => {
    const port = await takePort()
    const line = await complaint(startDemoServerProgram([...WORKERS, '--port', `${port}`]), 3)
    expect(line).toContain(`can't listen on 127.0.0.1:${port}: it is taken; choose another with --port`)
  })

  it('is said in one line: the socket is taken', async () => {
    const path = new Folder().at('socket')
    await startWorkers(1, ['--listen-path', path])
    const line = await complaint(startDemoServerProgram([...WORKERS, '--listen-path', path]), 3)
    expect(line).toContain(`can't listen on ${path}: it is taken`)
  })

  it('is said in one line: a token is malformed', async () => {
    const file = new Folder().write('tokens', 'sha256:none')
    const line = await complaint(startDemoServerProgram([...WORKERS, '--auth-tokens-file', file]), 2)
    expect(line).toContain(`${file}:1`)
  })

  it('is said in one line: the handlers are none', async () => {
    const module = new Folder().write('handlers.mjs', 'throw new Error("not today")')
    const line = await complaint(startDemoServerProgram([...WORKERS, '--handler', module]), 2)
    expect(line).toContain('not today')
  })
})

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('has all workers answer what they received, under load', async () => {
    const server = await startWorkers(2)
    const peers = Array.from({ length: 4 }, (_, i) => new PipeliningPeer(server.port, 300 * (i + 1)))
    await waitFor(
      () => peers.every(({ answers }) => answers > 5000),
      () => `for load; there are ${peers.map(({ answers }) => answers)} answers`,
    )
    // To all processes of the group, like Ctrl-C on a terminal; and to the first only, like an init system.
    if (signal === 'SIGINT') for (const pid of workersOf(server)) process.kill(pid, signal)
    server.program.signal(signal)
    for (const peer of peers) await peer.untilEnded()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    const closed = server.logged('connection closed')
    expect(closed).toHaveLength(4)
    expect(Object.keys(countByWorker(closed)), 'both had some').toEqual(['1', '2'])
    for (const peer of peers) {
      const { requests, reason } = closed.find(({ remotePort }) => remotePort === peer.localPort) ?? {}
      expect({ reason, answers: peer.answers }).toEqual({ reason: 'draining', answers: requests })
      expect(peer.received.equals(manySubmitAcks(1, peer.answers)), 'each request once, in order').toBe(true)
    }
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', connections: 4, cutOff: 0, unanswered: 0 })
    expect(workersOf(server).filter(isAlive)).toEqual([])
  })
})

/** All processes that ever listened. */
function workersOf(server: DemoServer): number[] {
  return [1, 2].flatMap((worker) => pidsOf(server, worker))
}
