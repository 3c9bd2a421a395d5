import { Program } from '@demo/testkit/program'
import { filler, frame, id, sortedAcks, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listening, startDemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'

describe('a limit that is set by a flag', () => {
  it('holds: --max-frame-length accepts a frame of that length, and no longer one', async () => {
    const server = await startDemoServer(['--max-frame-length', '64'])
    const peer = await server.connect()
    peer.send(submit(1, filler(51)))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.send(submit(2, filler(52)))
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect((await server.untilLogged('connection closed'))[0]).toMatchObject({
      reason: 'frame-error',
      error: expect.stringContaining('64'),
    })
  })

  it('holds: --max-frame-length 1KiB is 1024 bytes', async () => {
    const server = await startDemoServer(['--max-frame-length', '1KiB'])
    const peer = await server.connect()
    peer.send(submit(1, filler(1024 - 13)))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.send('00000401')
    expect(await peer.receiveAll()).toBe(submitAck(1))
  })

  it('holds: --max-connections 1 closes the second connection at once, and leaves the first alone', async () => {
    const server = await startDemoServer(['--max-connections', '1'])
    const first = await server.connect()
    const second = await server.connect()
    await second.untilClosed()
    expect(second.received).toBe('')
    expect(await server.untilLogged('connection closed')).toMatchObject([{ level: 40, reason: 'too-many-connections' }])
    first.send(submit(1))
    expect(await first.receive(14)).toBe(submitAck(1))
    expect((await server.scrape()).closed).toEqual({ 'too-many-connections': 1 })

    first.end()
    await server.untilLogged('connection closed', 2)
    const third = await server.connect()
    third.send(submit(1))
    expect(await third.receive(14)).toBe(submitAck(1))
  })

  it('holds: --idle-timeout closes a connection that sends nothing, and no other', async () => {
    const server = await startDemoServer(['--idle-timeout', '150ms'])
    const busy = await server.connect()
    const idle = await server.connect()
    let serial = 0
    for (; !idle.closed; serial++) {
      busy.send(submit(serial))
      await busy.receive(14 * (serial + 1))
    }
    expect(await server.untilLogged('connection closed')).toMatchObject([
      { level: 30, reason: 'idle-timeout', remotePort: expect.any(Number), requests: 0 },
    ])
    expect(idle.ended, 'it ends with a FIN').toBe(true)
    busy.send(submit(serial))
    await busy.receive(14 * (serial + 1))
  })

  it('holds: --frame-timeout closes a connection whose frame drips in', async () => {
    const server = await startDemoServer(['--frame-timeout', '150ms'])
    const peer = await server.connect()
    peer.send(submit(1))
    peer.send('00100000')
    const drip = setInterval(() => peer.send('ab'), 10)
    onTestFinished(() => clearInterval(drip))
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await server.untilLogged('connection closed')).toMatchObject([
      { level: 40, reason: 'frame-timeout', requests: 1 },
    ])
  })

  it('holds: --write-timeout closes a connection whose peer reads no acks', async () => {
    const server = await startDemoServer(['--write-timeout', '150ms'])
    const peer = await server.connect({ reads: false })
    const submits = Buffer.from(frame(`02${id(1)}`).repeat(100_000), 'hex')
    while ((await server.scrape()).value('client_connected') === 1) peer.send(submits)
    expect(await server.untilLogged('connection closed')).toMatchObject([{ level: 40, reason: 'write-timeout' }])
    expect((await server.scrape()).closed).toEqual({ 'write-timeout': 1 })
  })

  it('holds: --max-connections-per-ip counts each address separately, and accepts again after a disconnect', async () => {
    const server = await startDemoServer(['--max-connections-per-ip', '2'])
    const [first, second] = [await server.connect(), await server.connect()]
    const third = await server.connect()
    await third.untilClosed()
    expect(third.received).toBe('')
    const error = '2 connections of 127.0.0.1 are open'
    expect(await server.untilLogged('connection closed')).toMatchObject([
      { level: 40, reason: 'too-many-connections', remoteAddress: '127.0.0.1', error },
    ])
    const other = await server.connect({ localAddress: '127.0.0.2' })
    for (const peer of [first, second, other]) peer.send(submit(1))
    for (const peer of [first, second, other]) expect(await peer.receive(14)).toBe(submitAck(1))
    first.end()
    await server.untilLogged('connection closed', 2)
    const fourth = await server.connect()
    fourth.send(submit(1))
    expect(await fourth.receive(14)).toBe(submitAck(1))
    expect((await server.scrape()).closed).toEqual({ 'too-many-connections': 1, 'peer-closed': 1 })
  })

  it('holds: --max-in-flight handles that many requests of a connection at a time, and answers all in the end', async () => {
    const module = new Folder().write(
      'handlers.mjs',
      `let now = 0
      let most = 0
      export default {
        async onSubmit() {
          most = Math.max(most, ++now)
          await new Promise((resolve) => setTimeout(resolve, 20))
          now -= 1
        },
        onClose() { console.log('at most ' + most) },
      }`,
    )
    const server = await startDemoServer(['--max-in-flight', '3', '--handler', module])
    const peer = await server.connect()
    peer.end(submits(1, 20))
    expect(sortedAcks(await peer.receiveAll())).toEqual(sortedAcks(submitAcks(1, 20)))
    const said = await server.program.until('it says how many', () => server.program.stdoutLines[0])
    expect(said).toBe('at most 3')
  })

  it('holds: --handler-timeout answers 1 for a handler that never settles, not before, and the rest as ever', async () => {
    const module = new Folder().write(
      'handlers.mjs',
      "export default { onSubmit: ({ id }) => (id === '00000002' ? new Promise(() => {}) : 0) }",
    )
    const server = await startDemoServer(['--handler-timeout', '400ms', '--handler', module])
    const peer = await server.connect()
    const startedAt = performance.now()
    peer.send(submits(1, 3))
    expect(sortedAcks(await peer.receive(28))).toEqual([submitAck(1), submitAck(3)])
    expect(await peer.receive(42)).toContain(submitAck(2, 1))
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400)
    expect(server.logged('a handler failed')).toHaveLength(1)
    expect(peer.closed).toBe(false)
  })

  it('strikes not before its time: --idle-timeout, --frame-timeout', async () => {
    const limit = 400
    const server = await startDemoServer(['--idle-timeout', `${limit}ms`, '--frame-timeout', `${limit}ms`])
    const startedAt = performance.now()
    const [idle, inside] = [await server.connect(), await server.connect()]
    inside.send('00100000')
    for (const peer of [idle, inside]) {
      await peer.receiveAll()
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(limit)
    }
    const reasons = (await server.untilLogged('connection closed', 2)).map(({ reason }) => reason)
    expect(reasons.toSorted()).toEqual(['frame-timeout', 'idle-timeout'])
  })

  it('has no effect if no Conn is required: --handshake-timeout', async () => {
    const server = await startDemoServer(['--handshake-timeout', '1ms'])
    const peer = await server.connect()
    await server.untilScraped('it to be accepted', (metrics) => metrics.value('client_connected') === 1)
    for (let serial = 1; serial <= 20; serial++) {
      peer.send(submit(serial))
      await peer.receive(14 * serial)
    }
    expect(peer.received).toBe(submitAcks(1, 20))
  })

  it('is off when it is 0', async () => {
    const server = await startDemoServer(['--idle-timeout', '0', '--max-connections', '0', '--frame-timeout', '0'])
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('may be an environment variable', async () => {
    const server = await startDemoServer([], { environment: { DEMO_SERVER_MAX_FRAME_LENGTH: '64' } })
    const peer = await server.connect()
    peer.send('00000041')
    expect(await peer.receiveAll()).toBe('')
  })

  it.runIf(process.platform !== 'win32')('gives way to the limit of open files, with a warning', async () => {
    const main = new URL('../dist/main.js', import.meta.url).pathname
    const script = 'ulimit -n 100 && exec "$0" "$@"'
    const server = await listening(
      new Program('sh', ['-c', script, process.execPath, main, '--port', '0', '--metrics-port', '0']),
    )
    expect(server.log[0]).toMatchObject({ level: 40, maxConnections: 36 })
    const peers = await Promise.all(Array.from({ length: 40 }, () => server.connect()))
    await server.untilLogged('connection closed', 4)
    expect((await server.scrape()).closed).toEqual({ 'too-many-connections': 4 })
    const open = peers.filter(({ closed }) => !closed)
    for (const peer of open) peer.send(submit(1))
    for (const peer of open) expect(await peer.receive(14)).toBe(submitAck(1))
    expect(open).toHaveLength(36)
  })
})
