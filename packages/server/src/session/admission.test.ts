import { waitFor, within } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { manySubmits, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { startServer } from '../testing/harness.ts'

/** What `onOpen` waits for, and what it comes to in the end. */
function createAdmission() {
  const waiting: Array<{ admit: () => void; refuse: (error: unknown) => void }> = []
  const onOpen = () => new Promise<void>((admit, refuse) => waiting.push({ admit, refuse }))
  const asked = (count: number) =>
    waitFor(
      () => waiting.length >= count,
      () => `for onOpen to be called ${count} times`,
    )
  return { onOpen, waiting, asked }
}

const someTurns = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise(setImmediate)
}

describe('until an asynchronous onOpen has settled', () => {
  test('nothing is taken or handled; then all of it, in order', async () => {
    const handled: string[] = []
    const { onOpen, waiting } = createAdmission()
    const { open } = await startServer({ onOpen, onSubmit: ({ id }) => void handled.push(id) })
    const { peer, session } = await open()
    await peer.sent(submits(1, 3))
    await someTurns()
    expect(session).toMatchObject({ state: 'opening', receivedBytes: 0, requests: 0 })
    expect(handled).toEqual([])
    waiting[0]?.admit()
    expect(await peer.receive(3 * 14)).toBe(submitAcks(1, 3))
  })

  test('what a peer sends stays in the system, but for what Node reads ahead', async () => {
    const { onOpen, waiting } = createAdmission()
    const { open } = await startServer({ onOpen })
    const { peer, session, serverSide } = await open()
    peer.send(manySubmits(0, 1_000_000))
    await waitFor(
      () => peer.socket.writableLength > 0,
      () => 'for the system to take no more',
    )
    await someTurns()
    expect(session.receivedBytes).toBe(0)
    expect(serverSide.bufferedBytes).toBeLessThanOrEqual(64 * 1024)
    waiting[0]?.admit()
    await peer.receive(1_000_000 * 14)
    expect(session.requests).toBe(1_000_000)
  })

  test('the end of the peer waits too: what it sent before is answered', async () => {
    const { onOpen, asked, waiting } = createAdmission()
    const { connect, untilClosed } = await startServer({ onOpen })
    const peer = await connect()
    peer.end(submit(1))
    await asked(1)
    waiting[0]?.admit()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
  })

  test('the end of a peer that sent nothing waits too', async () => {
    const { onOpen, asked, waiting } = createAdmission()
    const { connect, untilClosed } = await startServer({ onOpen })
    const peer = await connect()
    peer.end()
    await asked(1)
    await someTurns()
    waiting[0]?.admit()
    expect(await peer.receiveAll()).toBe('')
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
  })

  test('handshakeTimeout ends also a connection whose peer has ended, and a drain does not wait for it', async () => {
    for (const drains of [false, true]) {
      const { onOpen, asked } = createAdmission()
      const { connect, untilClosed, server } = await startServer({ onOpen }, { handshakeTimeout: 40 })
      const peer = await connect()
      peer.end()
      await asked(1)
      await someTurns()
      if (drains) expect(await server.close({ timeout: 0 })).toMatchObject({ connections: 1, cutOff: 0 })
      expect(await untilClosed(1)).toMatchObject([{ reason: drains ? 'draining' : 'handshake-timeout' }])
    }
  })

  test('its rejection closes as a throw does: nothing is handled, onError gets it once', async () => {
    const { unhandled } = watchProcess()
    const { onOpen, asked, waiting } = createAdmission()
    const failure = new Error('not you')
    const { connect, untilClosed, errors, server } = await startServer({ onOpen })
    const peer = await connect()
    peer.send(submit(1))
    await asked(1)
    waiting[0]?.refuse(failure)
    expect(await peer.receiveAll()).toBe('')
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed', error: undefined }])
    expect(errors).toEqual([failure])
    expect(server.counters.requestsReceived).toBe(0)
    expect(unhandled).toEqual([])
  })

  test('its time counts under handshakeTimeout, and under no other limit', async () => {
    const { onOpen, asked, waiting } = createAdmission()
    const { connect, untilClosed, errors } = await startServer(
      { onOpen },
      { handshakeTimeout: 60, idleTimeout: 10, frameTimeout: 10, handlerTimeout: 10, writeTimeout: 10 },
    )
    const peer = await connect()
    peer.send(submit(1).slice(0, -2))
    await asked(1)
    expect(await peer.receiveAll()).toBe('')
    const timeout = {
      code: 'ERR_SERVER_HANDLER_TIMEOUT',
      timeout: 60,
      message: expect.stringMatching(/^onOpen did not/),
    }
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handshake-timeout', error: timeout }])
    expect(errors).toMatchObject([timeout])
    waiting[0]?.refuse(new Error('too late'))
    await someTurns()
    expect(errors).toHaveLength(1)
  })

  test('a drain ends the connection at once: nothing of it was received', async () => {
    const { onOpen, asked, waiting } = createAdmission()
    const { connect, server, closings, errors } = await startServer({ onOpen })
    const peer = await connect()
    peer.send(submit(1))
    await asked(1)
    const summary = await within(server.close({ timeout: 0 }), 'for the drain')
    expect(summary).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(await peer.receiveAll()).toBe('')
    expect(closings).toMatchObject([{ reason: 'draining' }])
    waiting[0]?.admit()
    await someTurns()
    expect(errors).toEqual([])
  })

  test('session.close() and session.destroy() end it, and what onOpen comes to then changes nothing', async () => {
    const { onOpen, asked, waiting } = createAdmission()
    const { connect, opened, untilClosed, server } = await startServer({ onOpen })
    const peers = [await connect(), await connect()]
    await asked(2)
    opened[0]?.close()
    opened[1]?.destroy()
    expect(await peers[0]?.receiveAll()).toBe('')
    const closings = await untilClosed(2)
    expect(closings.map(({ reason }) => reason).sort()).toEqual(['destroyed', 'handler-closed'])
    for (const { admit } of waiting) admit()
    await someTurns()
    expect(server.sessions.size).toBe(0)
    expect(server.counters.requestsReceived).toBe(0)
  })
})

test('an onOpen that closes its session before it settles is heeded', async () => {
  const { connect, untilClosed, server } = await startServer({
    async onOpen(session) {
      await undefined
      session.close()
    },
  })
  const peer = await connect()
  peer.send(submit(1))
  expect(await peer.receiveAll()).toBe('')
  expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
  expect(server.counters.requestsReceived).toBe(0)
})
