import { connect } from 'node:net'
import { within } from '@demo/testkit/wait-for'
import { conn, connAck, id, submit, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'

describe('demo-server', () => {
  it('logs where it listens in one line of JSON on standard error, and prints nothing on standard output', async () => {
    const { program, log, port, metricsPort } = await startDemoServer()
    expect(log).toHaveLength(1)
    expect(log[0]).toEqual({
      level: 30,
      engine: process.platform === 'linux' ? 'native' : 'node',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pid: program.pid,
      address: '127.0.0.1',
      port,
      metricsAddress: '127.0.0.1',
      metricsPort,
      msg: 'listening',
    })
    expect(port).toBeGreaterThan(0)
    expect(metricsPort).toBeGreaterThan(0)
    expect(program.stdout).toBe('')
  })

  it('answers a lone Submit', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send('0000000e 02 3030303030303031 ab'.replaceAll(' ', ''))
    expect(await peer.receive(14)).toBe('0000000e82303030303030303100')
  })

  it('answers a Conn, and whatever Submits come in one write, in order', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(conn(0, 'cafe') + submits(1, 100))
    expect(await peer.receive(14 * 101)).toBe(connAck(0) + submitAcks(1, 100))
  })

  it('answers a frame that is sent byte by byte', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    for (const byte of Buffer.from(submit(7, 'abcd'), 'hex')) await peer.sent(Uint8Array.of(byte))
    expect(await peer.receive(14)).toBe(`0000000e82${id(7)}00`)
  })

  it('gives an ID back byte for byte, whatever its bytes are', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send('0000000d02ff00fe01fd02fc03')
    expect(await peer.receive(14)).toBe('0000000e82ff00fe01fd02fc0300')
  })

  it('answers 0x80 to Conn and 0x81 to Submit in the dialect of the Go demo', async () => {
    const server = await startDemoServer(['--dialect', 'go-demo'])
    const peer = await server.connect()
    peer.send('0000000d013030303030303031' + '0000000d023030303030303032')
    expect(await peer.receive(28)).toBe('0000000e80303030303030303100' + '0000000e81303030303030303200')
  })

  it('serves its metrics: requests, responses, connections', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(conn(0) + submits(1, 9))
    await peer.receive(14 * 10)
    const metrics = await server.scrape()
    expect(metrics.value('client_connected')).toBe(1)
    expect(metrics.value('req_recv_total')).toBe(10)
    expect(metrics.value('rsp_send_total')).toBe(10)
    expect(metrics.value('received_bytes_total')).toBe(130)
    expect(metrics.value('sent_bytes_total')).toBe(140)
    expect(metrics.value('results_total{result="success"}')).toBe(10)
    const { engine } = server.logged('listening')[0] ?? {}
    const labels = `version="${manifest.version}",node="${process.version}",engine="${engine}"`
    expect(metrics.value(`build_info{${labels}}`)).toBe(1)
    expect(metrics.closed).toEqual({})
  })

  it('logs the end of a connection with what it did', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    const remotePort = peer.localPort
    peer.end(submits(1, 3))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 3))
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({
      level: 30,
      reason: 'peer-closed',
      remoteAddress: '127.0.0.1',
      remotePort,
      requests: 3,
      receivedBytes: 39,
      sentBytes: 42,
    })
    expect((await server.scrape()).closed).toEqual({ 'peer-closed': 1 })
  })

  it('lives on when a peer resets its connection', async () => {
    const server = await startDemoServer()
    const survivor = await server.connect()
    const peer = await server.connect()
    peer.send(submit(1))
    await peer.receive(14)
    peer.reset()
    expect((await server.untilLogged('connection closed'))[0]).toMatchObject({ reason: 'peer-reset' })
    survivor.send(submit(1))
    expect(await survivor.receive(14)).toBe(submitAcks(1, 1))
  })

  it('lives on when a connection is gone before it was accepted', async () => {
    const server = await startDemoServer()
    for (let i = 0; i < 20; i++) {
      const socket = connect({ host: '127.0.0.1', port: server.port })
      socket.on('connect', () => socket.resetAndDestroy()).on('error', () => {})
    }
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAcks(1, 1))
    expect(server.program.running).toBe(true)
  })

  it('listens on the given address', async () => {
    const server = await startDemoServer(['--host', '::1', '--metrics-host', '0.0.0.0'])
    expect(server.log[0]).toMatchObject({ address: '::1', metricsAddress: '0.0.0.0' })
    const socket = connect({ host: '::1', port: server.port })
    await within(new Promise((resolve, reject) => socket.on('connect', resolve).on('error', reject)), 'for ::1')
    socket.destroy()
    expect((await server.scrape()).value('req_recv_total')).toBe(0)
  })
})

describe('demo-server --help and --version', () => {
  it('prints every flag, its default, and the exit statuses, on standard output', async () => {
    const program = startDemoServerProgram(['--help'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).toBe('')
    for (const text of [
      '--host',
      '--port',
      '8888',
      '--metrics-host',
      '--metrics-port',
      '8889',
      '--dialect',
      '--max-frame-length',
      '1MiB',
      '--max-connections',
      '--max-in-flight',
      '--max-write-buffer',
      '--handshake-timeout',
      '--frame-timeout',
      '--idle-timeout',
      '--write-timeout',
      '--handler-timeout',
      '--linger-timeout',
      '--drain-timeout',
      '--log-level',
      '--log-format',
      'DEMO_SERVER_PORT',
      'Exit status',
    ]) {
      expect(program.stdout).toContain(text)
    }
  })

  it.each(['--version', '-V'])('prints its version for %s, on standard output', async (flag) => {
    const program = startDemoServerProgram([flag])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toBe(`${manifest.version}\n`)
    expect(program.stderr).toBe('')
  })

  it('prints its help also with an invalid environment variable', async () => {
    const program = startDemoServerProgram(['--help'], { environment: { DEMO_SERVER_PORT: 'wrong' } })
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toContain('--max-connections')
  })
})
