import { connect, createServer as createRelay, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '@demo/testkit/certificates'
import { Peer } from '@demo/testkit/peer'
import { within } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { expect, onTestFinished, test } from 'vitest'
import { Gate, startServer } from '../testing/harness.ts'

const authority = await createAuthority('authority')
const { cert, key } = await authority.sign('server')
const client = await authority.sign('client')

/** A relay in front of a port that can turn over a bit of what comes through. */
async function startRelay(port: number) {
  let flips = false
  const sockets: Socket[] = []
  const relay = createRelay((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) sockets.push(socket.on('error', () => {}))
    far.pipe(near)
    near.on('data', (bytes) => {
      if (flips) bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
      far.write(bytes)
    })
    near.on('close', () => far.destroy())
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    relay.close()
  })
  const address = relay.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const flip = () => {
    flips = true
  }
  return { port: address.port, flip }
}

async function startRelayed(handlers: Parameters<typeof startServer>[0] = {}, { mutual = false } = {}) {
  const tls = mutual ? { cert, key, ca: authority.cert, requireClientCert: true } : { cert, key }
  const running = await startServer(handlers, { tls, lingerTimeout: 0 })
  if ('path' in running.address) throw new Error('a path')
  const relay = await startRelay(running.address.port)
  const socket = connectTls({ host: '127.0.0.1', port: relay.port, ca: authority.cert, ...(mutual ? client : {}) })
  onTestFinished(() => void socket.destroy())
  const peer = new Peer({ stream: socket, reset: () => socket.destroy() })
  peer.read()
  await within(new Promise((resolve) => socket.once('secureConnect', resolve)), 'for TLS')
  return { ...running, peer, flip: relay.flip }
}

const undecryptable = { code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' }

test('a TLS record that can’t be decrypted closes the connection as socket-error, while its peer is still there', async () => {
  const { peer, flip, untilClosed, server } = await startRelayed()
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  flip()
  peer.send(submit(2))
  expect(await untilClosed(1)).toMatchObject([{ reason: 'socket-error', error: undecryptable }])
  expect(server.sessions.size).toBe(0)
})

test('it does so with requests in flight, whose signals abort', async () => {
  const gate = new Gate()
  const signals: AbortSignal[] = []
  const { peer, flip, untilClosed, server } = await startRelayed({
    onSubmit(request, { signal }) {
      signals.push(signal)
      return gate.wait(request)
    },
  })
  peer.send(submit(1))
  await gate.holds(1)
  flip()
  peer.send(submit(2))
  await untilClosed(1)
  expect(signals).toMatchObject([{ aborted: true, reason: { reason: 'socket-error', cause: undecryptable } }])
  expect(server.counters).toMatchObject({ unanswered: 1, inFlight: 0 })
})

test('it ends a session that is on its way out, with the reason that came first', async () => {
  const { peer, flip, opened, untilClosed } = await startRelayed()
  peer.socket.allowHalfOpen = true
  peer.send(submit(1))
  await peer.receive(14)
  opened[0]?.close()
  expect(await peer.receiveAll()).toBe(submitAck(1))
  flip()
  peer.send(submit(2))
  expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
})

test('what identified a session stays readable in onClose, and afterwards', async () => {
  const told: unknown[] = []
  const { peer, flip, untilClosed } = await startRelayed(
    {
      onConn: (_conn, { session }) => {
        session.data = 'alice'
      },
      onClose: (session) =>
        void told.push(session.peerCertificate?.subject, session.remoteAddress, session.data, session.authenticated),
    },
    { mutual: true },
  )
  peer.send('0000000d013030303030303031')
  await peer.receive(14)
  flip()
  peer.send(submit(2))
  const [closing] = await untilClosed(1)
  expect(told).toEqual(['CN=client', '127.0.0.1', 'alice', true])
  expect(closing?.session).toMatchObject({ peerCertificate: { subject: 'CN=client' }, remoteAddress: '127.0.0.1' })
  expect(closing?.session.remotePort).toBeGreaterThan(0)
})
