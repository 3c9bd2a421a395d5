import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@demo/testkit/wait-for'
import { conn, connAck, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createServer, type Handlers, ServerOptionError, type Session } from '../index.ts'
import { startServer } from '../testing/harness.ts'
import { connectPeer } from '../testing/peer.ts'
import { TrustedProxies } from './trusted-proxies.ts'

const HEADER = Buffer.from('PROXY TCP4 192.0.2.1 203.0.113.7 51974 8888\r\n').toString('hex')
const BINARY_HEADER = '0d0a0d0a000d0a515549540a2111000cc0000201cb007107cb0622b8'
const LOCAL_HEADER = '0d0a0d0a000d0a515549540a20000000'
const LOOPBACK = { proxyProtocolFrom: ['127.0.0.0/8'] }

test.each([
  ['version 1', HEADER],
  ['version 2', BINARY_HEADER],
])('a proxy tells for whom it connects, in %s', async (_version, header) => {
  const { connect, opened } = await startServer({}, LOOPBACK)
  const peer = await connect()
  peer.send(header + submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  expect(opened).toMatchObject([{ remoteAddress: '192.0.2.1', remotePort: 51974, state: 'open' }])
})

test('the header may come in any pieces, with the first frames behind it', async () => {
  const { connect, opened } = await startServer({}, LOOPBACK)
  const peer = await connect()
  for (const byte of Buffer.from(HEADER + submits(1, 2), 'hex')) await peer.sent(Uint8Array.of(byte))
  expect(await peer.receive(28)).toBe(submitAcks(1, 2))
  expect(opened[0]).toMatchObject({ remoteAddress: '192.0.2.1', requests: 2 })
})

test('a proxy that speaks for itself keeps its own address', async () => {
  const { connect, opened } = await startServer({}, LOOPBACK)
  const peer = await connect()
  peer.send(LOCAL_HEADER + submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  expect(opened).toMatchObject([{ remoteAddress: '127.0.0.1', remotePort: peer.localPort }])
})

test('without a header from a proxy nothing is handled', async () => {
  const { connect, opened, untilClosed } = await startServer({}, LOOPBACK)
  const peer = await connect()
  peer.send(submit(1))
  await peer.untilClosed()
  const [closing] = await untilClosed(1)
  expect(closing).toMatchObject({ reason: 'handshake-error' })
  expect(closing?.error?.message).toBe('the connection does not begin with a header of the PROXY protocol')
  expect([peer.received, opened]).toEqual(['', []])
})

test('a header from anybody else is a frame error that says what it is', async () => {
  const { connect, untilClosed } = await startServer({}, { proxyProtocolFrom: ['192.0.2.0/24', '2001:db8::/32'] })
  const peer = await connect()
  peer.send(HEADER + submit(1))
  expect(await peer.receiveAll()).toBe('')
  const [closing] = await untilClosed(1)
  expect(closing).toMatchObject({ reason: 'frame-error', session: { remoteAddress: '127.0.0.1' } })
  expect(closing?.error?.message).toMatch(/the peer seems to speak the PROXY protocol, version 1$/)
})

test('a proxy that connects and goes has seen that we live', async () => {
  const { connect, untilClosed } = await startServer({}, LOOPBACK)
  const peer = await connect()
  peer.end()
  expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
})

test('a header that breaks off is told', async () => {
  const { connect, untilClosed } = await startServer({}, LOOPBACK)
  const peer = await connect()
  peer.end(HEADER.slice(0, 20))
  const [closing] = await untilClosed(1)
  expect(closing).toMatchObject({ reason: 'handshake-error' })
  expect(closing?.error?.message).toBe('the connection ended 10 bytes into the header of the PROXY protocol')
})

test('a header that does not come is waited for until the handshake limit', async () => {
  const { connect, untilClosed } = await startServer({}, { ...LOOPBACK, handshakeTimeout: 100 })
  const peer = await connect()
  peer.send(HEADER.slice(0, 20))
  await peer.untilClosed()
  expect(await untilClosed(1)).toMatchObject([{ reason: 'handshake-timeout' }])
})

test('header and required Conn share one handshake limit', async () => {
  const { connect, untilClosed } = await startServer({ onConn: () => 0 }, { ...LOOPBACK, handshakeTimeout: 300 })
  const quick = await connect()
  quick.send(HEADER + conn(1))
  expect(await quick.receive(14)).toBe(connAck(1))
  const slow = await connect()
  slow.send(HEADER)
  await slow.untilClosed()
  expect(await untilClosed(1)).toMatchObject([{ reason: 'handshake-timeout', session: { remoteAddress: '192.0.2.1' } }])
  expect(quick.closed).toBe(false)
})

test('a connection whose header has not come is closed at a drain', async () => {
  const { server, connect, untilClosed } = await startServer({}, LOOPBACK)
  const peer = await connect()
  await waitFor(
    () => server.sessions.size === 1,
    () => 'for the accept',
  )
  expect([...server.sessions].map(({ state }) => state)).toEqual(['opening'])
  expect(await server.close()).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
  expect(await untilClosed(1)).toMatchObject([{ reason: 'draining' }])
  await peer.untilClosed()
})

test('a session can be closed from outside while it is opening', async () => {
  const { server, connect, untilClosed } = await startServer({}, LOOPBACK)
  await connect()
  await waitFor(
    () => server.sessions.size === 1,
    () => 'for the accept',
  )
  for (const session of server.sessions) session.close()
  expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
})

test('over a Unix socket there is no address, and the proxy is named "unix"', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxies-'))
  const addresses: (string | undefined)[] = []
  const onOpen = (session: { remoteAddress: string | undefined }) => void addresses.push(session.remoteAddress)
  const server = createServer({ onSubmit: () => 0, onOpen }, { proxyProtocolFrom: ['unix'] })
  onTestFinished(async () => {
    await server.close({ timeout: 1 })
    rmSync(folder, { recursive: true })
  })
  const peer = await connectPeer(await server.listen({ path: join(folder, 'socket') }))
  peer.send(BINARY_HEADER + submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  expect(addresses).toEqual(['192.0.2.1'])
  peer.end()
})

describe('maxConnectionsPerIp', () => {
  test('closes an excess connection of one address at once, and says which address', async () => {
    const { connect, open, untilClosed } = await startServer({}, { maxConnectionsPerIp: 2 })
    const first = await open()
    await open()
    const excess = await connect()
    await excess.untilClosed()
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'too-many-connections' })
    expect(closing?.error?.message).toBe('2 connections of 127.0.0.1 are open')

    first.peer.end()
    await untilClosed(2)
    const { peer } = await open()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  test('counts the clients of a proxy, not the proxy', async () => {
    const { connect, untilClosed } = await startServer({}, { ...LOOPBACK, maxConnectionsPerIp: 1 })
    const headerOf = (address: string) => Buffer.from(`PROXY TCP4 ${address} 203.0.113.7 1 2\r\n`).toString('hex')
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      const peer = await connect()
      peer.send(headerOf(address) + submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
    const excess = await connect()
    excess.send(headerOf('192.0.2.2') + submit(1))
    await excess.untilClosed()
    expect(await untilClosed(1)).toMatchObject([
      { reason: 'too-many-connections', session: { remoteAddress: '192.0.2.2' } },
    ])
  })
})

describe('an address has one spelling', () => {
  const headerOf = (address: string) => Buffer.from(`PROXY TCP6 ${address} 2001:db8::9 1 2\r\n`).toString('hex')
  /** Version 2: an address of IPv6 in 16 bytes. */
  const binaryOf = (address: string) => `0d0a0d0a000d0a515549540a21210024${address}${'00'.repeat(16)}00010002`

  test.each([
    [
      'IPv6',
      '2001:db8::1',
      [
        headerOf('2001:db8::1'),
        headerOf('2001:DB8::1'),
        headerOf('2001:0db8:0000:0000:0000:0000:0000:0001'),
        headerOf('2001:db8:0:0::1'),
        binaryOf('20010db8000000000000000000000001'),
      ],
    ],
    [
      'IPv4',
      '192.0.2.1',
      [
        HEADER,
        BINARY_HEADER,
        headerOf('::ffff:192.0.2.1'),
        headerOf('::FFFF:C000:0201'),
        binaryOf('00000000000000000000ffffc0000201'),
      ],
    ],
  ])('however a proxy spells it, it counts as one: %s', async (_version, address, [first = '', ...others]) => {
    const { connect, opened, untilClosed } = await startServer({}, { ...LOOPBACK, maxConnectionsPerIp: 1 })
    const peer = await connect()
    peer.send(first + submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    for (const [at, header] of others.entries()) {
      const excess = await connect()
      excess.send(header + submit(1))
      await excess.untilClosed()
      const closing = (await untilClosed(at + 1)).at(-1)
      expect(closing).toMatchObject({ reason: 'too-many-connections', session: { remoteAddress: address } })
      expect(closing?.error?.message).toBe(`1 connections of ${address} are open`)
    }
    expect(opened).toHaveLength(1)
  })

  test('a peer over IPv4 on a socket of IPv6 has its address of IPv4', async () => {
    const opened: Session[] = []
    const handlers: Handlers = { onSubmit: () => 0, onOpen: (session) => void opened.push(session) }
    const server = createServer(handlers, { maxConnectionsPerIp: 1 })
    onTestFinished(async () => {
      await server.close({ timeout: 1 })
    })
    const address = await server.listen({ host: '::', port: 0 })
    if ('path' in address) throw new Error('a path')
    const peer = await connectPeer({ address: '127.0.0.1', port: address.port })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(opened).toMatchObject([{ remoteAddress: '127.0.0.1' }])
    peer.end()
  })
})

test.each([
  ['10.0.0.0/8', '10.1.2.3', '::ffff:10.1.2.3', '::FFFF:0a01:203'],
  ['::ffff:10.0.0.0/104', '10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203'],
  ['2001:DB8:0::/48', '2001:db8::1', '2001:0DB8:0000::1', '2001:db8:0:1::'],
  ['fe80::/10', 'fe80::1', 'fe80::1%eth0', 'FE80::1%1'],
  ['fe80::1', 'fe80::1%lo', 'fe80:0::1%nowhere', 'FE80::0001'],
])('%s has %s, %s and %s, and nobody else', (network, ...addresses) => {
  const proxies = new TrustedProxies([network])
  for (const address of addresses) expect(proxies.includes(address), address).toBe(true)
  for (const other of ['192.0.2.1', '2001:db9::1', undefined]) expect(proxies.includes(other)).toBe(false)
})

test.each([
  [
    ['10.0.0.0/33'],
    /^invalid proxyProtocolFrom: "10\.0\.0\.0\/33" is neither an address, nor a network like 10\.0\.0\.0\/8, nor unix/,
  ],
  [['10.0.0.0/'], /"10\.0\.0\.0\/" is neither/],
  [['10.0.0.0/8/8'], /is neither/],
  [['::1/129'], /is neither/],
  [['example.org'], /is neither/],
  ['10.0.0.0/8', /^invalid proxyProtocolFrom .*: expected a list of addresses/],
  [[7], /^invalid proxyProtocolFrom .*: expected a list of addresses/],
])('%j is no list of proxies', (proxyProtocolFrom, message) => {
  const create = () => createServer({ onSubmit: () => 0 }, { proxyProtocolFrom: proxyProtocolFrom as string[] })
  expect(create).toThrow(ServerOptionError)
  expect(create).toThrow(message)
})
