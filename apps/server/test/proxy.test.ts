import { conn, connAck, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const CLIENT = { remoteAddress: '192.0.2.1', remotePort: 49_158 }

/** PROXY headers: for 192.0.2.1:49158 in both versions, and for 2001:db8::1. */
const LINE = line('PROXY TCP4 192.0.2.1 203.0.113.7 49158 8888\r\n')
const BINARY = '0d0a0d0a000d0a515549540a' + '2111000c' + 'c0000201' + 'cb007107' + 'c006' + '22b8'
const OVER_IPV6 = line('PROXY TCP6 2001:db8::1 2001:db8::2 49158 8888\r\n')

/** The header of a proxy's own health check. */
const LOCAL = '0d0a0d0a000d0a515549540a' + '20000000'
const UNKNOWN = line('PROXY UNKNOWN\r\n')

describe('--proxy-protocol-from', () => {
  it.each([
    { what: 'version 1', header: LINE, client: CLIENT },
    { what: 'version 2', header: BINARY, client: CLIENT },
    { what: 'IPv6', header: OVER_IPV6, client: { ...CLIENT, remoteAddress: '2001:db8::1' } },
  ])("has the client's address in the log, however the bytes come: $what", async ({ header, client }) => {
    const server = await startDemoServer(['--proxy-protocol-from', '127.0.0.0/8'])
    const whole = await server.connect()
    whole.end(header + submit(1))
    expect(await whole.receiveAll()).toBe(submitAck(1))
    const dripping = await server.connect()
    for (const byte of Buffer.from(header, 'hex')) await dripping.sent(Uint8Array.of(byte))
    dripping.end(submit(1))
    expect(await dripping.receiveAll()).toBe(submitAck(1))
    const closed = await server.untilLogged('connection closed', 2)
    for (const entry of closed) {
      expect(entry).toMatchObject({ level: 30, ...client, reason: 'peer-closed', requests: 1, receivedBytes: 13 })
    }
  })

  it.each([
    { what: 'version 2, LOCAL', header: LOCAL },
    { what: 'version 1, UNKNOWN', header: UNKNOWN },
  ])("has the proxy's own address when it speaks for itself: $what", async ({ header }) => {
    const server = await startDemoServer(['--proxy-protocol-from', '127.0.0.1'])
    const peer = await server.connect()
    const remotePort = peer.localPort
    peer.end(header + submit(1))
    expect(await peer.receiveAll()).toBe(submitAck(1))
    const [entry] = await server.untilLogged('connection closed')
    expect(entry).toMatchObject({ remoteAddress: '127.0.0.1', remotePort, requests: 1 })
  })

  it('requires the header of a proxy: without it, with half of it, or never', async () => {
    const server = await startDemoServer(['--proxy-protocol-from', '127.0.0.1', '--handshake-timeout', '400ms'])
    const without = await server.connect()
    without.send(submit(1))
    await without.untilClosed()
    const half = await server.connect()
    half.end(LINE.slice(0, 40))
    await half.untilClosed()
    const malformed = await server.connect()
    malformed.send(line('PROXY TCP4 192.0.2.1 203.0.113.7 49158 88888\r\n') + submit(1))
    await malformed.untilClosed()
    const never = await server.connect()
    await never.untilClosed()
    for (const peer of [without, half, malformed, never]) expect(peer.received).toBe('')
    expect(await server.untilLogged('connection closed', 4)).toMatchObject([
      { level: 40, reason: 'handshake-error', error: expect.stringContaining('does not begin with a header') },
      { level: 40, reason: 'handshake-error', error: expect.stringContaining('ended 20 bytes into the header') },
      { level: 40, reason: 'handshake-error', error: expect.stringContaining('malformed') },
      { level: 40, reason: 'handshake-timeout' },
    ])
  })

  it('trusts no other address: a header is a frame error, and the address is the real one', async () => {
    const server = await startDemoServer(['--proxy-protocol-from', '127.0.0.2'])
    for (const header of [LINE, BINARY]) {
      const liar = await server.connect()
      liar.send(header + submit(1))
      expect(await liar.receiveAll()).toBe('')
    }
    const closed = await server.untilLogged('connection closed', 2)
    for (const entry of closed) expect(entry).toMatchObject({ reason: 'frame-error', remoteAddress: '127.0.0.1' })

    const proxy = await server.connect({ localAddress: '127.0.0.2' })
    proxy.send(LINE + submit(1))
    expect(await proxy.receive(14)).toBe(submitAck(1))
    const client = await server.connect()
    client.send(submit(1))
    expect(await client.receive(14)).toBe(submitAck(1))
  })

  it('accepts several: with commas, repeated, and from the environment', async () => {
    const several = ['--proxy-protocol-from', '10.0.0.0/8, 127.0.0.2', '--proxy-protocol-from', '127.0.0.3']
    const environment = { DEMO_SERVER_PROXY_PROTOCOL_FROM: '127.0.0.2,127.0.0.3' }
    for (const server of [await startDemoServer(several), await startDemoServer([], { environment })]) {
      for (const localAddress of ['127.0.0.2', '127.0.0.3']) {
        const proxy = await server.connect({ localAddress })
        proxy.send(LINE + submit(1))
        expect(await proxy.receive(14)).toBe(submitAck(1))
      }
    }
  })

  it('knows an address of IPv4 also where the server listens for IPv6', async () => {
    const server = await startDemoServer(['--host', '::', '--proxy-protocol-from', '127.0.0.0/8'])
    const proxy = await server.connect()
    proxy.send(LINE + submit(1))
    expect(await proxy.receive(14)).toBe(submitAck(1))
  })

  it('may be unix, for a proxy on a Unix socket', async () => {
    const path = new Folder().at('socket')
    const server = await startDemoServer(['--listen-path', path, '--proxy-protocol-from', 'unix'])
    const proxy = await server.connect()
    proxy.end(LINE + submit(1))
    expect(await proxy.receiveAll()).toBe(submitAck(1))
    expect(await server.untilLogged('connection closed')).toMatchObject([CLIENT])
  })

  it('has --max-connections-per-ip count by client, and a Conn required as ever', async () => {
    const tokens = new Folder().write('tokens', 'open sesame')
    const flags = ['--proxy-protocol-from', '127.0.0.1', '--max-connections-per-ip', '1', '--auth-tokens-file', tokens]
    const server = await startDemoServer(flags)
    const hello = conn(1, Buffer.from('open sesame').toString('hex')) + submit(2)
    const first = await server.connect()
    first.send(LINE + hello)
    expect(await first.receive(28)).toBe(connAck(1) + submitAck(2))
    const again = await server.connect()
    again.send(BINARY + hello)
    await again.untilClosed()
    expect(again.received).toBe('')
    const other = await server.connect()
    other.send(OVER_IPV6 + hello)
    expect(await other.receive(28)).toBe(connAck(1) + submitAck(2))
    const [entry] = await server.untilLogged('connection closed')
    const error = '1 connections of 192.0.2.1 are open'
    expect(entry).toMatchObject({ level: 40, reason: 'too-many-connections', ...CLIENT, error })
  })

  it.each(['10.0.0.0/33', '10.0.0/8', '2001:db8::/129', 'proxy.example', '10.0.0.1/', '10.0.0.1/8/8', '10.0.0.1,', ''])(
    'is one line, and exit status 2, when one of them is none: "%s"',
    async (from) => {
      const said = await complaint(startDemoServerProgram(['--proxy-protocol-from', from]), 2)
      expect(said).toContain('--proxy-protocol-from')
    },
  )
})

function line(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex')
}
