import net from 'node:net'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../index.ts'
import { connectPeer } from '../testing/peer.ts'

/** A descriptor that is bound to a free port, as an init system or another process gives one. */
function boundDescriptor(): number {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(host: string, port: number, family: number): { fd: number }
  }
  return create('127.0.0.1', 0, 4).fd
}

async function listenOnDescriptor() {
  const server = createServer({ onSubmit: () => 0 })
  onTestFinished(async () => {
    await server.close({ timeout: 1 })
  })
  const address = await server.listen({ fd: boundDescriptor() })
  if (!('port' in address)) throw new Error('it listens on no port')
  return { server, address }
}

test('a server listens on a descriptor, and says where that is', async () => {
  const { server, address } = await listenOnDescriptor()
  expect(address).toEqual({ address: '127.0.0.1', port: expect.any(Number) })
  expect(server.address).toEqual(address)
  const peer = await connectPeer(address)
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
})

test('a descriptor that is none is an error of listen()', async () => {
  const server = createServer({ onSubmit: () => 0 })
  await expect(server.listen({ fd: 9999 })).rejects.toMatchObject({ code: expect.any(String) })
})

test('who pauses accepting leaves new connections in the queue, serves the old ones, and goes on where it was', async () => {
  const { server, address } = await listenOnDescriptor()
  for (let round = 1; round <= 3; round++) {
    const old = await connectPeer(address)
    old.send(submit(1))
    await old.receive(14)
    const before = server.counters.connectionsOpened
    expect([server.pauseAccepting(), server.pauseAccepting()]).toEqual([true, true])
    const waiting = await connectPeer(address)
    waiting.send(submit(2))
    // The event loop has turned by then, and more than once.
    old.send(submit(3))
    await old.receive(28)
    expect(server.counters.connectionsOpened).toBe(before)
    server.resumeAccepting()
    expect(await waiting.receive(14)).toBe(submitAck(2))
    expect(server.counters.connectionsOpened).toBe(before + 1)
  }
})

test('what waits when a server that has paused is closed is refused', async () => {
  const { server, address } = await listenOnDescriptor()
  server.pauseAccepting()
  const waiting = await connectPeer(address)
  await server.close()
  await waitFor(
    () => waiting.closed || waiting.error !== undefined,
    () => 'for the end of a connection that nobody takes',
  )
})

test('a server that is alone on its port does not pause', async () => {
  const server = createServer({ onSubmit: () => 0 })
  onTestFinished(async () => {
    await server.close({ timeout: 1 })
  })
  expect(server.pauseAccepting()).toBe(false)
  const address = await server.listen({ port: 0 })
  expect(server.pauseAccepting()).toBe(false)
  server.resumeAccepting()
  const peer = await connectPeer(address)
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
})
