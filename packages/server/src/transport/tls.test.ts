import { once } from 'node:events'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
} from 'node:tls'
import { createAuthority } from '@demo/testkit/certificates'
import { Peer } from '@demo/testkit/peer'
import { waitFor, within } from '@demo/testkit/wait-for'
import { manySubmitAcks, manySubmits, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createServer, ServerOptionError, type TlsOptions } from '../index.ts'
import { startServer } from '../testing/harness.ts'
import { refusalOf } from './tls.ts'

const authority = await createAuthority('authority')
const stranger = await createAuthority('stranger')
const server = await authority.sign('server')
const client = await authority.sign('client')
const HOUR = 3_600_000

const TLS: TlsOptions = { cert: server.cert, key: server.key }
const MUTUAL: TlsOptions = { ...TLS, ca: authority.cert, requireClientCert: true }

interface SecureOptions extends ConnectionOptions {
  /** Called with each session that can be resumed. */
  readonly onSession?: (session: Buffer) => void
}

/** A server with TLS, and a way to connect to it. */
async function startTlsServer(tls: TlsOptions, options: Parameters<typeof startServer>[1] = {}) {
  const running = await startServer({}, { tls, ...options })
  const { address } = running
  if ('path' in address) throw new Error('a path')
  const { port } = address
  const secure = async ({ onSession, ...options }: SecureOptions = {}): Promise<Peer> => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ...options })
    onTestFinished(() => void socket.destroy())
    if (onSession !== undefined) socket.on('session', onSession)
    const peer = new Peer({ stream: socket, reset: () => socket.destroy() })
    peer.read()
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    await within(connected, 'for TLS')
    return peer
  }
  return { ...running, port, secure }
}

test('answers over TLS as it does without', async () => {
  const { secure, opened } = await startTlsServer(TLS)
  const peer = await secure()
  peer.send(submits(1, 3))
  expect(await peer.receive(42)).toBe(submitAcks(1, 3))
  expect((peer.socket as TLSSocket).getProtocol()).toBe('TLSv1.3')
  expect(opened).toMatchObject([{ remoteAddress: '127.0.0.1', remotePort: peer.localPort }])
  expect(opened[0]?.peerCertificate).toBeUndefined()
})

test('takes TLS 1.2 with forward secrecy, and nothing older', async () => {
  const { secure, untilClosed } = await startTlsServer(TLS)
  const peer = await secure({ maxVersion: 'TLSv1.2' })
  expect((peer.socket as TLSSocket).getCipher().standardName).toMatch(/^TLS_ECDHE_ECDSA_WITH_.*(GCM|POLY1305)/)
  peer.end()
  await untilClosed(1)
  await expect(secure({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow()
  const [, closing] = await untilClosed(2)
  expect(closing).toMatchObject({ reason: 'handshake-error' })
  expect(closing?.error?.message).toBe('the TLS handshake failed: the peer does not support TLS 1.2 or later')
})

test('sends every answer to a peer that half-closes behind its requests', async () => {
  const { secure, untilClosed } = await startTlsServer(TLS)
  const peer = await secure()
  peer.end(manySubmits(1, 20_000))
  expect(await peer.receiveAll()).toBe(manySubmitAcks(1, 20_000).toString('hex'))
  expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
})

test('answers what was received before it drains', async () => {
  const { server: tcp, secure, opened } = await startTlsServer(TLS)
  const peer = await secure()
  peer.send(manySubmits(1, 5000))
  await waitFor(
    () => (opened[0]?.requests ?? 0) > 0,
    () => 'for a request',
  )
  const { unanswered, cutOff } = await tcp.close()
  expect({ unanswered, cutOff }).toEqual({ unanswered: 0, cutOff: 0 })
  const received = await peer.receiveAll()
  expect(received.length / 28).toBe(opened[0]?.requests)
})

test('does not read on while the peer does not take its answers', async () => {
  const { secure, opened, serverSides } = await startTlsServer(TLS)
  const peer = await secure()
  peer.socket.pause()
  peer.send(manySubmits(1, 2_000_000))
  const unsent = () => serverSides[0]?.unsentBytes ?? 0
  let before = -1
  await waitFor(
    () => {
      const { requests = 0 } = opened[0] ?? {}
      const stands = requests === before && requests > 0
      before = requests
      return stands
    },
    () => 'for it to stop reading',
  )
  expect(opened[0]?.requests).toBeLessThan(2_000_000)
  expect(unsent()).toBeLessThan(1024 * 1024)
  peer.socket.resume()
  await peer.receive(2_000_000 * 14)
})

describe('who does not speak TLS', () => {
  test.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'), 'the peer seems to speak HTTP, without TLS'],
    ['frames', submit(1, 'ab'.repeat(20)), 'the peer seems not to speak TLS'],
  ])('%s is closed, and the error says so', async (_name, bytes, why) => {
    const { connect, untilClosed, opened } = await startTlsServer(TLS)
    const peer = await connect()
    peer.send(bytes)
    await peer.untilClosed()
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'handshake-error' })
    expect(closing?.error?.message).toBe(`the TLS handshake failed: ${why}`)
    expect(opened).toEqual([])
  })

  test('TLS on a plain port is a frame error that says so', async () => {
    const { address, untilClosed } = await startServer()
    if ('path' in address) throw new Error('a path')
    const socket = connectTls({ host: '127.0.0.1', port: address.port, rejectUnauthorized: false })
    socket.on('error', () => {})
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'frame-error' })
    expect(closing?.error?.message).toMatch(/the peer seems to speak TLS$/)
  })

  test('a handshake that stalls ends at its limit', async () => {
    const { connect, untilClosed } = await startTlsServer(TLS, { handshakeTimeout: 100 })
    const silent = await connect()
    const half = await connect()
    half.send('160301')
    await Promise.all([silent.untilClosed(), half.untilClosed()])
    expect(await untilClosed(2)).toMatchObject([{ reason: 'handshake-timeout' }, { reason: 'handshake-timeout' }])
  })

  test('a peer that connects and goes has seen that we live', async () => {
    const { connect, untilClosed } = await startTlsServer(TLS)
    const peer = await connect()
    peer.end()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
  })

  test('a peer that goes in the middle is told', async () => {
    const { connect, untilClosed } = await startTlsServer(TLS)
    const peer = await connect()
    peer.end('160301')
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'handshake-error' })
    expect(closing?.error?.message).toMatch(/ended/)
  })

  test('a reset in the middle is a reset', async () => {
    const { port, server: tcp, untilClosed } = await startTlsServer(TLS)
    const socket = connectPlain({ host: '127.0.0.1', port })
    await waitFor(
      () => tcp.sessions.size === 1,
      () => 'for the accept',
    )
    socket.resetAndDestroy()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-reset' }])
  })
})

describe('mutual TLS', () => {
  test('lets in who has a certificate, and knows whose it is', async () => {
    const { secure, opened } = await startTlsServer(MUTUAL)
    const peer = await secure(client)
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(opened[0]?.peerCertificate?.subject).toBe('CN=client')
  })

  test.each<[string, () => Promise<ConnectionOptions>, string]>([
    ['no certificate', async () => ({}), 'the client presented no certificate'],
    [
      'a certificate of somebody else',
      () => stranger.sign('client'),
      "the client's certificate is signed by an unknown authority",
    ],
    [
      'an expired certificate',
      () => authority.sign('client', { from: -2 * HOUR, to: -HOUR }),
      "the client's certificate has expired",
    ],
    [
      'a certificate of tomorrow',
      () => authority.sign('client', { from: HOUR, to: 2 * HOUR }),
      "the client's certificate is not valid yet",
    ],
    ['a certificate of its own', async () => stranger, "the client's certificate is self-signed"],
  ])('refuses %s, and says why', async (_name, credentials, why) => {
    const { secure, untilClosed, opened } = await startTlsServer(MUTUAL)
    // With TLS 1.3 the client is through before it is judged.
    const peer = await secure(await credentials())
    peer.send(submit(1))
    await peer.untilClosed()
    const [closing] = await untilClosed(1)
    expect(closing).toMatchObject({ reason: 'unauthorized' })
    expect(closing?.error?.message).toBe(why)
    expect([peer.received, opened]).toEqual(['', []])
  })
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('mutual TLS with a resumed session of %s', (version) => {
  const only = { minVersion: version, maxVersion: version }

  /** The session of a connection that has ended. */
  async function sessionOf({ secure }: Awaited<ReturnType<typeof startTlsServer>>): Promise<Buffer> {
    const sessions: Buffer[] = []
    const first = await secure({ ...only, ...client, onSession: (session) => sessions.push(session) })
    await waitFor(
      () => sessions.length > 0,
      () => 'for a session to resume',
    )
    first.end()
    await first.untilClosed()
    return Buffer.from(sessions.at(-1) ?? [])
  }

  test('lets in who had a certificate, and still knows whose it is', async () => {
    const running = await startTlsServer(MUTUAL)
    const peer = await running.secure({ ...only, ...client, session: await sessionOf(running) })
    expect((peer.socket as TLSSocket).isSessionReused(), 'it must be resumed').toBe(true)
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    expect(running.opened.at(-1)?.peerCertificate?.subject).toBe('CN=client')
  })

  test('judges anew once the authorities have been renewed', async () => {
    const running = await startTlsServer(MUTUAL)
    const session = await sessionOf(running)
    running.server.renewTls({ ...MUTUAL, ca: stranger.cert })
    // With TLS 1.2 the client sees its connection end before the handshake is done.
    await running.secure({ ...only, ...client, session }).catch(() => {})
    const closings = await running.untilClosed(2)
    expect(closings.map(({ reason }) => reason)).toEqual(['peer-closed', 'unauthorized'])
  })

  test('refuses a client without a certificate, whatever Node says', async () => {
    // A server that refuses nobody: ours ends the connection before the client has a session to resume.
    const judged: { authorized: boolean; reused: boolean; refusal: string | undefined }[] = []
    const judging = { ...TLS, ca: authority.cert, requestCert: true, rejectUnauthorized: false }
    const lenient = createTlsServer(judging, (secured) => {
      const { authorized } = secured
      judged.push({ authorized, reused: secured.isSessionReused(), refusal: refusalOf(secured) })
      secured.once('data', () => secured.end('bye'))
    })
    onTestFinished(() => void lenient.close())
    lenient.listen(0, '127.0.0.1')
    await once(lenient, 'listening')
    const { port } = lenient.address() as AddressInfo
    let session: Buffer | undefined
    for (let connections = 1; connections <= 2; connections++) {
      const socket = connectTls({ ...only, host: '127.0.0.1', port, ca: authority.cert, session })
      socket.on('session', (bytes) => {
        session = bytes
      })
      socket.write('hello')
      socket.resume()
      await once(socket, 'close')
    }
    const refusal = 'the client presented no certificate'
    expect(judged).toEqual([
      { authorized: false, reused: false, refusal },
      { authorized: version === 'TLSv1.3', reused: true, refusal },
    ])
  })
})

test('authorized without a certificate is not enough to be let in', () => {
  const secured = { authorized: true, getPeerX509Certificate: () => undefined } as unknown as TLSSocket
  expect(refusalOf(secured)).toBe('the client presented no certificate')
})

describe('renewTls', () => {
  test('is used by the next connection, and those that are open go on', async () => {
    const { server: tcp, secure } = await startTlsServer(TLS)
    const before = await secure()
    const next = await authority.sign('renewed')
    tcp.renewTls(next)
    const after = await secure()
    expect((before.socket as TLSSocket).getPeerX509Certificate()?.subject).toBe('CN=server')
    expect((after.socket as TLSSocket).getPeerX509Certificate()?.subject).toBe('CN=renewed')
    for (const peer of [before, after]) {
      peer.send(submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
  })

  test('changes nothing when what it is given can’t be used', async () => {
    const { server: tcp, secure } = await startTlsServer(TLS)
    const bad = [
      { cert: server.cert, key: client.key },
      { cert: 'no PEM', key: server.key },
      { cert: server.cert, key: '' },
    ]
    for (const tls of bad) expect(() => tcp.renewTls(tls)).toThrow(ServerOptionError)
    const peer = await secure()
    expect((peer.socket as TLSSocket).getPeerX509Certificate()?.subject).toBe('CN=server')
  })

  test('can’t make a plain server one with TLS', async () => {
    const { server: tcp } = await startServer()
    expect(() => tcp.renewTls(TLS)).toThrow(/^invalid tls: the server was made without tls/)
  })
})

test('behind a proxy the header comes first, in the clear', async () => {
  const { port, opened } = await startTlsServer(TLS, { proxyProtocolFrom: ['127.0.0.1'] })
  const plain = connectPlain({ host: '127.0.0.1', port })
  plain.write('PROXY TCP4 192.0.2.1 203.0.113.7 51974 8888\r\n')
  const socket = connectTls({ socket: plain, ca: authority.cert, servername: 'localhost' })
  onTestFinished(() => void socket.destroy())
  const peer = new Peer({ stream: socket, reset: () => socket.destroy() })
  peer.read()
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  expect(opened).toMatchObject([{ remoteAddress: '192.0.2.1' }])
})

describe('an error about TLS names what is wrong, and shows no key', () => {
  test.each<[string, TlsOptions, RegExp]>([
    ['a key of another certificate', { cert: server.cert, key: client.key }, /^invalid tls: .*key values mismatch/],
    ['no certificate', { cert: 'nothing', key: server.key }, /^invalid tls: /],
    ['no key', { cert: server.cert, key: 'nothing' }, /^invalid tls: /],
    ['an authority that is none', { ...TLS, ca: 'nothing' }, /^invalid tls: the ca contains no certificate/],
    [
      'an authority that was cut off',
      { ...TLS, ca: `${authority.cert}${authority.cert.slice(0, 200)}` },
      /^invalid tls: the ca contains an invalid certificate/,
    ],
    ['mutual TLS without an authority', { ...TLS, requireClientCert: true }, /requireClientCert needs a ca/],
  ])('%s', (_name, tls, message) => {
    const create = () => createServer({ onSubmit: () => 0 }, { tls })
    expect(create).toThrow(message)
    try {
      create()
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SERVER_OPTION', option: 'tls', value: undefined })
      expect(String(error)).not.toMatch(/PRIVATE|[A-Za-z0-9+/]{30}/)
    }
  })
})
