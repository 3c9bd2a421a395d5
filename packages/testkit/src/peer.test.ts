import { describe, expect, test } from 'vitest'
import { startFakeServer, watchRequests } from './fake-server.ts'
import { connectPeer, type PeerAddress, type PeerOptions } from './peer.ts'
import { submit, submits } from './wire.ts'

async function pair(unix: boolean, options?: PeerOptions) {
  const server = await startFakeServer({ unix, holdsOn: true })
  const address: PeerAddress =
    'path' in server.location ? server.location : { address: '127.0.0.1', port: server.location.port }
  return { peer: await connectPeer(address, options), side: await server.accepted() }
}

describe.each([
  ['TCP', false],
  ['a Unix socket', true],
])('over %s', (_name, unix) => {
  test('both ends keep what they receive, to the FIN', async () => {
    const { peer, side } = await pair(unix)
    peer.send('0102')
    expect(await side.receiveLike('0102')).toBe('0102')
    side.end('03')
    expect(await peer.receiveAll()).toBe('03')
    await side.untilClosed()
  })

  test('a peer that holds on leaves its side open', async () => {
    const { peer, side } = await pair(unix, { holdsOn: true })
    side.end()
    await peer.receiveAll()
    peer.send('04')
    expect(await side.receive(1)).toBe('04')
  })
})

test('a reset is no end of the stream', async () => {
  const { peer, side } = await pair(false)
  side.reset()
  await expect(peer.receiveAll()).rejects.toThrow('the stream broke before its end: ECONNRESET')
})

test('a fake server sees whole requests, however they arrive', async () => {
  const { peer, side } = await pair(false)
  const seen: string[] = []
  watchRequests(side, ({ command, id, payload }) => seen.push(`${command} ${id} ${payload}`))
  const bytes = Buffer.from(submits(1, 2) + submit(3, '6869'), 'hex')
  await peer.sent(bytes.subarray(0, 20))
  await side.receive(20)
  peer.send(bytes.subarray(20))
  await side.receive(bytes.length)
  expect(seen).toEqual(['2 00000001 ', '2 00000002 ', '2 00000003 hi'])
})
