import { connect } from 'node:tls'
import { type Credentials, createAuthority } from '@demo/testkit/certificates'
import { within } from '@demo/testkit/wait-for'
import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { type DemoServer, startDemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'
import { connectSecurely } from './secure-peer.ts'

const HOUR = 3_600_000
const FAILED = 'reload failed; what was there before is still used'

const authority = await createAuthority('ours')
const stranger = await createAuthority('theirs')
const first = await authority.sign('first')
const second = await authority.sign('second')
const ca = authority.cert

describe('TLS', () => {
  it('answers a client, and logs its bytes: those of frames, not of TLS', async () => {
    const { server } = await startSecurely()
    const { peer } = await connectSecurely(server, { ca })
    peer.end(submits(1, 100))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 100))
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({ level: 30, reason: 'peer-closed', receivedBytes: 1300, sentBytes: 1400 })
  })

  it('drains: received requests are answered, and the connection ends with a FIN', async () => {
    const { server } = await startSecurely()
    const { peer } = await connectSecurely(server, { ca })
    peer.send(submits(1, 100))
    await peer.receive(14)
    server.program.signal('SIGTERM')
    expect(await peer.receiveAll()).toBe(submitAcks(1, 100))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('with --tls-require-client-cert accepts only clients with a valid certificate', async () => {
    const { server } = await startSecurely(['--tls-require-client-cert'])
    const client = await authority.sign('client')
    const { peer } = await connectSecurely(server, { ca, ...client })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))

    const expired = await authority.sign('expired', { from: -2 * HOUR, to: -HOUR })
    const foreign = await stranger.sign('foreign')
    const refused: [Partial<Credentials>, string][] = [
      [{}, 'the client presented no certificate'],
      [foreign, 'an unknown authority'],
      [expired, 'has expired'],
    ]
    for (const [count, [credentials, why]] of refused.entries()) {
      const { peer: other } = await connectSecurely(server, { ca, ...credentials })
      other.send(submit(1))
      await other.untilClosed()
      expect(other.received).toBe('')
      const line = (await server.untilLogged('connection closed', count + 1))[count]
      expect(line).toMatchObject({
        level: 40,
        reason: 'unauthorized',
        requests: 0,
        error: expect.stringContaining(why),
      })
    }
    peer.send(submit(2))
    expect(await peer.receive(28)).toBe(submitAcks(1, 2))
  })

  it('distinguishes plain text from HTTP in the log, and goes on', async () => {
    const { server } = await startSecurely()
    const plain = await server.connect()
    plain.send(submits(1, 10))
    await plain.untilClosed()
    const http = await server.connect()
    http.send(Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'))
    await http.untilClosed()
    const closed = await server.untilLogged('connection closed', 2)
    expect(closed).toMatchObject([
      { level: 40, reason: 'handshake-error', error: expect.stringContaining('seems not to speak TLS') },
      { level: 40, reason: 'handshake-error', error: expect.stringContaining('seems to speak HTTP') },
    ])
    const { peer } = await connectSecurely(server, { ca })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('is refused below version 1.2, and the log says why', async () => {
    const { server } = await startSecurely()
    // By default, the client's own OpenSSL refuses this version.
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(connectSecurely(server, { ca, ...old })).rejects.toThrow()
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({
      reason: 'handshake-error',
      error: expect.stringContaining('does not support TLS 1.2'),
    })
  })

  it('is not negotiated anew where a client asks for it', async () => {
    const { server } = await startSecurely()
    const { peer, socket } = await connectSecurely(server, { ca, maxVersion: 'TLSv1.2' })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    const refused = new Promise((resolve) => socket.once('error', resolve))
    socket.renegotiate({}, () => {})
    expect(await within(refused, 'for a refusal')).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' })
  })

  it('is called by its name in the log of a server without', async () => {
    const server = await startDemoServer()
    const socket = connect({ host: '127.0.0.1', port: server.port, ca })
    const failed = new Promise((resolve) => socket.once('error', resolve).once('end', resolve))
    await within(failed, 'for the handshake to fail')
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({ reason: 'frame-error', error: expect.stringContaining('seems to speak TLS') })
  })

  it('closes a peer that stalls in the handshake as handshake-timeout, not before the limit', async () => {
    const limit = 400
    const { server } = await startSecurely(['--handshake-timeout', `${limit}ms`])
    const startedAt = performance.now()
    const silent = await server.connect()
    const stalling = await server.connect()
    stalling.send('1603010200010001fc0303')
    for (const peer of [silent, stalling]) {
      await peer.untilClosed()
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(limit)
    }
    await server.untilLogged('connection closed', 2)
    expect((await server.scrape()).closed).toEqual({ 'handshake-timeout': 2 })
  })
})

describe('SIGHUP', () => {
  it('has new connections see the new certificate, and the old ones go on', async () => {
    const { server, folder } = await startSecurely()
    const { peer } = await connectSecurely(server, { ca })
    writePair(folder, second)
    expect(await subject(server), 'it is not read before the signal').toBe('first')
    server.program.signal('SIGHUP')
    expect(await server.untilLogged('reloaded')).toMatchObject([{ level: 30, what: 'certificates' }])
    expect(await subject(server)).toBe('second')
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('trusts the new authority, and not the old one', async () => {
    const { server, folder } = await startSecurely(['--tls-require-client-cert'])
    folder.write('ca.pem', stranger.cert)
    server.program.signal('SIGHUP')
    await server.untilLogged('reloaded')
    const { peer: old } = await connectSecurely(server, { ca, ...(await authority.sign('old')) })
    await old.untilClosed()
    const { peer } = await connectSecurely(server, { ca, ...(await stranger.sign('new')) })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('keeps its authority when the new file is invalid', async () => {
    const { server, folder } = await startSecurely(['--tls-require-client-cert'])
    const client = await authority.sign('client')
    for (const [count, text] of ['no certificate', '', ca.slice(0, 200)].entries()) {
      folder.write('ca.pem', text)
      server.program.signal('SIGHUP')
      await server.untilLogged(FAILED, count + 1)
      const { peer } = await connectSecurely(server, { ca, ...client })
      peer.send(submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
  })

  it('keeps its certificate when the new one is invalid, and uses the next valid one', async () => {
    const { server, folder } = await startSecurely()
    const { peer } = await connectSecurely(server, { ca })
    const bad: Credentials[] = [
      { cert: 'no certificate', key: first.key },
      { cert: second.cert, key: first.key },
      { cert: second.cert, key: second.key.slice(0, 80) },
      { cert: '', key: '' },
    ]
    for (const [count, credentials] of bad.entries()) {
      writePair(folder, credentials)
      server.program.signal('SIGHUP')
      const lines = await server.untilLogged(FAILED, count + 1)
      expect(lines[count]).toMatchObject({ level: 50, what: 'certificates', error: expect.any(String) })
      expect(await subject(server)).toBe('first')
    }
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    writePair(folder, second)
    server.program.signal('SIGHUP')
    await server.untilLogged('reloaded')
    expect(await subject(server)).toBe('second')
    expect(keyLines(first, second).filter((line) => server.program.stderr.includes(line))).toEqual([])
  })
})

/** A server with the first certificate, and the folder of its files. */
async function startSecurely(flags: readonly string[] = []): Promise<{ server: DemoServer; folder: Folder }> {
  const folder = new Folder()
  const [cert, key] = writePair(folder, first)
  const files = ['--tls-cert', cert, '--tls-key', key, '--tls-ca', folder.write('ca.pem', ca)]
  return { server: await startDemoServer([...files, ...flags]), folder }
}

function writePair(folder: Folder, { cert, key }: Credentials): [cert: string, key: string] {
  return [folder.write('cert.pem', cert), folder.write('key.pem', key)]
}

/** The lines of private keys. */
function keyLines(...credentials: Credentials[]): string[] {
  return credentials.flatMap(({ key }) => key.trim().split('\n').slice(1, -1))
}

/** The subject of the certificate that a new connection gets. */
async function subject(server: DemoServer): Promise<unknown> {
  const { peer, socket } = await connectSecurely(server, { ca })
  const { CN } = socket.getPeerCertificate().subject
  peer.end()
  return CN
}
