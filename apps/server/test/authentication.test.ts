import { conn, connAck, filler, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'
import { guarded, hex, letsIn, sha256 } from './token-guard.ts'

const TOKEN = 'correct-horse-battery-staple'
const OTHER = 'tr0ub4dor-and-3'

describe('--auth-tokens-file', () => {
  it('accepts a client with a token: the Conn is answered with 0, and so are its Submits', async () => {
    const server = await guarded(TOKEN)
    const peer = await server.connect()
    peer.send(conn(0, hex(TOKEN)) + submits(1, 100))
    expect(await peer.receive(101 * 14)).toBe(connAck(0) + submitAcks(1, 100))
  })

  it('answers 1 and closes as unauthorized, whatever follows, when the token is another', async () => {
    const others = [
      OTHER,
      '',
      TOKEN.slice(0, -1),
      `${TOKEN}x`,
      `${TOKEN}\n`,
      `${TOKEN}\0`,
      TOKEN.toUpperCase(),
      sha256(TOKEN),
      `sha256:${sha256(TOKEN)}`,
    ]
    const server = await guarded(TOKEN)
    for (const token of others) {
      const peer = await server.connect()
      peer.send(conn(7, hex(token)) + submits(1, 10))
      expect(await peer.receiveAll(), token).toBe(connAck(7, 1))
    }
    const closed = await server.untilLogged('connection closed', others.length)
    for (const line of closed) expect(line).toMatchObject({ level: 40, reason: 'unauthorized', requests: 1 })
    expect((await server.scrape()).closed).toEqual({ unauthorized: others.length })
  })

  it('calls no handler for a client without a token, and onConn for one with a token', async () => {
    const module = new Folder().write(
      'handlers.mjs',
      `const say = (what) => console.log(what)
      export default {
        onSubmit(submit) { say('submit ' + submit.id) },
        onConn(conn) { say('conn ' + conn.id); return conn.id === '00000002' ? 1 : 0 },
      }`,
    )
    const server = await guarded(TOKEN, ['--handler', module])
    const answers = [
      { sent: conn(1, hex(OTHER)) + submit(1), received: connAck(1, 1) },
      { sent: conn(2, hex(TOKEN)) + submit(2), received: connAck(2, 1) },
      { sent: submit(3), received: '' },
    ]
    for (const { sent, received } of answers) {
      const peer = await server.connect()
      peer.send(sent)
      expect(await peer.receiveAll()).toBe(received)
    }
    const peer = await server.connect()
    peer.send(conn(4, hex(TOKEN)) + submit(5))
    expect(await peer.receive(28)).toBe(connAck(4) + submitAck(5))
    await server.program.until('it has said so', () => server.program.stdoutLines[2])
    expect(server.program.stdoutLines).toEqual(['conn 00000002', 'conn 00000004', 'submit 00000005'])
  })

  it('closes as packet-error, without an answer, when a Submit comes first', async () => {
    const server = await guarded(TOKEN)
    const peer = await server.connect()
    peer.send(submit(1) + conn(2, hex(TOKEN)))
    expect(await peer.receiveAll()).toBe('')
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({
      level: 40,
      reason: 'packet-error',
      error: expect.stringContaining('Submit came before'),
    })
  })

  it('closes as packet-error at a second Conn, also with a valid token', async () => {
    const server = await guarded(TOKEN)
    const peer = await server.connect()
    peer.send(conn(1, hex(TOKEN)) + submit(2) + conn(3, hex(TOKEN)) + submit(4))
    expect(await peer.receiveAll()).toBe(connAck(1) + submitAck(2))
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({ level: 40, reason: 'packet-error', error: 'a second Conn came' })
  })

  it('closes connections without a complete Conn as handshake-timeout, not before the limit, and no others', async () => {
    const limit = 400
    const server = await guarded(TOKEN, ['--handshake-timeout', `${limit}ms`])
    const friend = await server.connect()
    friend.send(conn(1, hex(TOKEN)))
    const startedAt = performance.now()
    const silent = await server.connect()
    const dripping = await server.connect()
    const bytes = Buffer.from(conn(2, filler(4000)), 'hex')
    let sent = 0
    const drip = setInterval(() => dripping.send(bytes.subarray(sent, ++sent)), 10)
    onTestFinished(() => clearInterval(drip))
    for (const peer of [silent, dripping]) {
      expect(await peer.receiveAll()).toBe('')
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(limit)
    }
    friend.send(submit(2))
    expect(await friend.receive(28)).toBe(connAck(1) + submitAck(2))
    expect((await server.scrape()).closed).toEqual({ 'handshake-timeout': 2 })
  })

  it('accepts frames of at most 4 KiB before the Conn, and longer ones after it', async () => {
    const longest = 'x'.repeat(4096 - 13)
    const server = await guarded(longest)
    const peer = await server.connect()
    peer.send(conn(1, hex(longest)) + submit(2, filler(100_000)))
    expect(await peer.receive(28)).toBe(connAck(1) + submitAck(2))
    const greedy = await server.connect()
    greedy.send('00001001')
    expect(await greedy.receiveAll()).toBe('')
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({ level: 40, reason: 'frame-error', error: expect.stringMatching(/4097.*4096/) })
  })
})

describe('a token', () => {
  it('is nowhere to be seen: not in the log at its loudest, the metrics, or the configuration', async () => {
    const folder = new Folder()
    const file = folder.write('tokens', `${TOKEN}\nsha256:${sha256(OTHER)}\n`)
    const flags = ['--auth-tokens-file', file, '--log-level', 'trace']
    const server = await startDemoServer(flags)
    for (const token of [TOKEN, OTHER, `${TOKEN}-mistyped`, `${OTHER}-mistyped`]) await letsIn(server, token)
    const late = await server.connect()
    late.send(submit(1, hex(TOKEN)) + conn(1, hex(TOKEN)))
    await late.receiveAll()
    folder.write('tokens', `${TOKEN}\nsha256:${sha256(OTHER)}${TOKEN}\n`)
    server.program.signal('SIGHUP')
    await server.untilLogged('reload failed; what was there before is still used')
    const metrics = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text()
    const print = startDemoServerProgram([...flags, '--print-config'])
    await print.exit()
    server.program.signal('SIGTERM')
    await server.program.exit()

    const seen = [server.program.stderr, server.program.stdout, metrics, print.stdout, print.stderr].join('\n')
    expect(seen).toContain('auth-tokens-file')
    for (const secret of [TOKEN, OTHER, hex(TOKEN), hex(OTHER), sha256(TOKEN), sha256(OTHER)]) {
      expect(seen).not.toContain(secret)
    }
  })
})
