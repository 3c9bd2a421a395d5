import type { AddressInfo } from 'node:net'
import tls, { type TlsOptions } from 'node:tls'
import { createAuthority } from '@demo/testkit/certificates'
import { within } from '@demo/testkit/wait-for'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, type ClientError, connect, openLoadConnection } from '../../../packages/client-sim/src/index.ts'
import { startDemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'

const HOUR = 3_600_000
const NOTHING = new Uint8Array(0)
const REQUIRED = 'the server requires a client certificate'

const authority = await createAuthority('ours')
const stranger = await createAuthority('theirs')
const own = await authority.sign('server')
const known = await authority.sign('client')
const foreign = await stranger.sign('foreign')
const expired = await authority.sign('expired', { from: -2 * HOUR, to: -HOUR })
const ca = authority.cert

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** Collects the errors of a connect, of a first request, and of the end of the connection. */
async function attempt(connecting: Promise<Client>): Promise<ClientError[]> {
  const errors: ClientError[] = []
  const note = (error: ClientError) => errors.push(error)
  const client = await within(connecting.catch(note), 'for a connection')
  if (typeof client === 'number') return errors
  await within(client.submit(NOTHING).catch(note), 'for an answer')
  const end = await within(client.closed, 'for the end of the connection')
  if (end !== undefined) errors.push(end)
  return errors
}

/** Limits this process to this TLS version until the end of the test. */
function speak(version: (typeof VERSIONS)[number]): void {
  const before = tls.DEFAULT_MAX_VERSION
  tls.DEFAULT_MAX_VERSION = version
  onTestFinished(() => {
    tls.DEFAULT_MAX_VERSION = before
  })
}

describe.each(VERSIONS)('mutual TLS with demo-server, %s', (version) => {
  it('lets a client without a certificate know that one is required', async () => {
    const port = await startMutualTls()
    speak(version)
    const errors = await attempt(connect({ port, tls: { ca } }))
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors) {
      expect(error.code).toBe('ERR_CLIENT_CERTIFICATE')
      expect(error.message).toContain(`${REQUIRED}: it asked for one, got none, and ended the connection`)
    }
  })

  it('lets load connections know it too', async () => {
    const port = await startMutualTls()
    speak(version)
    const options = { port, tls: { ca }, credentials: 'secret' }
    const required = { code: 'ERR_CLIENT_CERTIFICATE', message: expect.stringContaining(REQUIRED) }
    await expect(within(connect(options), 'for a refusal')).rejects.toMatchObject(required)
    const listener = { answered() {}, room() {}, closed() {} }
    const opening = openLoadConnection({ ...options, window: 1, payload: NOTHING }, listener)
    await expect(within(opening, 'for a refusal')).rejects.toMatchObject(required)
  })

  it('lets the client know it before its first request', async () => {
    const port = await startMutualTls()
    speak(version)
    // With TLS 1.2 the connect itself may fail.
    const ended = connect({ port, tls: { ca } }).then(
      (client) => client.closed,
      (error: ClientError) => error,
    )
    const end = await within(ended, 'for the end of the connection')
    expect(end).toMatchObject({ code: 'ERR_CLIENT_CERTIFICATE', message: expect.stringContaining(REQUIRED) })
  })

  it.each([
    ['of another authority', foreign],
    ['that has expired', expired],
  ])('lets a client with a certificate %s know what it may be', async (_what, { cert, key }) => {
    const port = await startMutualTls()
    speak(version)
    const errors = await attempt(connect({ port, tls: { ca, cert, key } }))
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors) {
      // With TLS 1.2 the server may check it before the client has finished the handshake.
      expect(error.code).toMatch(version === 'TLSv1.3' ? 'ERR_CLIENT_CONNECTION_LOST' : /ERR_CLIENT_CONNECT/)
      expect(error.message).toContain('perhaps the server refused the client certificate')
    }
  })

  it('answers a client with a good one', async () => {
    const port = await startMutualTls()
    speak(version)
    const client = await connect({ port, tls: { ca, ...known } })
    expect(await client.submit(NOTHING)).toBe(0)
    await client.close()
    expect(await client.closed).toBeUndefined()
  })
})

describe.each(VERSIONS)('mutual TLS with a server that sends an alert, %s', (version) => {
  it('lets a client without a certificate know that one is required', async () => {
    const port = await startPlainTls({ maxVersion: version, requestCert: true, rejectUnauthorized: true })
    const errors = await attempt(connect({ port, tls: { ca } }))
    expect(errors.length).toBeGreaterThan(0)
    const alert = version === 'TLSv1.3' ? 'TLSV13_ALERT_CERTIFICATE_REQUIRED' : 'SSLV3_ALERT_HANDSHAKE_FAILURE'
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ERR_CLIENT_CERTIFICATE', message: expect.stringContaining(REQUIRED) })
      expect(error.cause).toMatchObject({ code: `ERR_SSL_${alert}` })
    }
  })
})

it('a server that asks for no certificate, and ends the connection, did not refuse one', async () => {
  const port = await startPlainTls({}, (socket) => socket.end())
  const errors = await attempt(connect({ port, tls: { ca } }))
  for (const error of errors) expect(error.code).not.toBe('ERR_CLIENT_CERTIFICATE')
  expect(errors.map(({ code }) => code)).toContain('ERR_CLIENT_CONNECTION_LOST')
})

async function startMutualTls(): Promise<number> {
  const folder = new Folder()
  const file = (name: string, text: string) => folder.write(name, text)
  const files = ['--tls-cert', file('cert', own.cert), '--tls-key', file('key', own.key), '--tls-ca', file('ca', ca)]
  const server = await startDemoServer([...files, '--tls-require-client-cert'])
  return server.port
}

/** A plain TLS server of Node, which checks certificates in the handshake. */
async function startPlainTls(
  options: TlsOptions,
  onSocket: (socket: tls.TLSSocket) => void = () => {},
): Promise<number> {
  const server = tls.createServer({ ...own, ca, ...options }, (socket) => {
    socket.on('error', () => {}).resume()
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
