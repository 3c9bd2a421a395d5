import { FrameDecoder } from '@demo/frame'
import { waitFor } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { submit, submitAck, submits } from '@demo/testkit/wire'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createServer, type Server } from '../index.ts'
import { Outbound } from '../io/outbound.ts'
import { startServer } from '../testing/harness.ts'
import { connectPeer } from '../testing/peer.ts'
import { underTest } from '../testing/transports.ts'
import { SessionDeadlines } from './deadlines.ts'

afterEach(() => void vi.restoreAllMocks())

/** A bug, as there might be one: it is put in where there is none. */
function bug(): never {
  throw new TypeError('undefined is no object')
}

const reported = {
  code: 'ERR_SERVER_INTERNAL',
  cause: expect.any(TypeError),
  stack: expect.stringMatching(/at \S*bug /),
}

describe('a bug of ours ends one connection, is reported with its stack, and is not the peer’s fault', () => {
  test.each<[string, () => void]>([
    ['in the loop', () => vi.spyOn(FrameDecoder.prototype, 'next').mockImplementationOnce(bug)],
    ['when bytes come', () => vi.spyOn(FrameDecoder.prototype, 'push').mockImplementationOnce(bug)],
    ['when answers leave', () => vi.spyOn(Outbound.prototype, 'flush').mockImplementationOnce(bug)],
    ['in a sweep', () => vi.spyOn(SessionDeadlines.prototype, 'check').mockImplementationOnce(bug)],
  ])('%s', async (_name, putIn) => {
    const { uncaught, unhandled } = watchProcess()
    const { open, errors, untilClosed, server } = await startServer()
    const [first, second] = [await open(), await open()]
    second.peer.send(submit(1))
    await second.peer.receive(14)
    putIn()
    first.peer.send(submits(1, 3))
    const [{ reason, error, session } = { reason: undefined, error: undefined, session: undefined }] =
      await untilClosed(1)
    expect(reason).toBe('internal-error')
    expect(error).toMatchObject(reported)
    expect(errors).toEqual([error])
    expect(server.counters.connectionsClosed['internal-error']).toBe(1)
    // Nobody else gets what it had put down, and is swept and answered as before.
    const other = session === first.session ? second.peer : first.peer
    other.send(submit(7))
    await waitFor(
      () => other.received.endsWith(submitAck(7)),
      () => 'for the other to be answered',
    )
    expect(other.received).not.toContain(submitAck(7) + submitAck(1))
    expect([...uncaught, ...unhandled]).toEqual([])
  })

  test('and what was handled before it is counted', async () => {
    const { connect, untilClosed, server } = await startServer()
    const peer = await connect()
    const { next } = FrameDecoder.prototype
    let calls = 0
    vi.spyOn(FrameDecoder.prototype, 'next').mockImplementation(function (this: FrameDecoder) {
      calls += 1
      return calls > 2 ? bug() : next.call(this)
    })
    peer.send(submits(1, 3))
    await untilClosed(1)
    expect(server.counters).toMatchObject({ requestsReceived: 2, responsesSent: 0, unanswered: 2 })
  })

  test('at the end of the stream', async () => {
    const { connect, errors, untilClosed } = await startServer()
    vi.spyOn(FrameDecoder.prototype, 'finish').mockImplementationOnce(bug)
    const peer = await connect()
    peer.end()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'internal-error', error: reported }])
    expect(errors).toMatchObject([reported])
  })

  test('a process warning tells of it where there is no onError, also after one about a handler', async () => {
    const { warnings } = watchProcess()
    const handlers = {
      onSubmit() {
        throw new Error('of the user')
      },
    }
    const server = createServer(handlers, underTest.options)
    const peer = await connectPeer(await underTest.listen(server as Server<never>))
    peer.send(submit(1))
    await peer.receive(14)
    vi.spyOn(FrameDecoder.prototype, 'next').mockImplementationOnce(bug)
    peer.send(submit(1))
    await peer.untilClosed()
    await server.close()
    await waitFor(
      () => warnings.length > 1,
      () => 'for a warning',
    )
    expect(warnings[1]).toMatchObject({ message: expect.stringMatching(/bug in @demo\/server.*\n +at \S*bug /) })
  })
})
