import { FrameDecoder, FrameError } from '@demo/frame'
import { startFakeServer } from '@demo/testkit/fake-server'
import { waitFor } from '@demo/testkit/wait-for'
import { catchUncaught } from '@demo/testkit/watch-process'
import { conn, connAck, hexOf, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ClientError, type LoadListener, openLoadConnection } from './index.ts'
import { connected } from './testing/connected.ts'
import { rejection } from './testing/outcome.ts'
import { isNative, TEST_ENGINE } from './testing/test-engine.ts'

const NOTHING = new Uint8Array(0)

/** A fault of our own where only faults of the server are expected, until the test ends. */
function breakDecoder(): TypeError {
  const fault = new TypeError('frames is not iterable')
  const spy = vi.spyOn(FrameDecoder.prototype, 'next').mockImplementation(() => {
    throw fault
  })
  onTestFinished(() => spy.mockRestore())
  return fault
}

async function loadConnection(listener: Partial<LoadListener>, credentials?: string) {
  const server = await startFakeServer()
  const acks: number[] = []
  const ends: (ClientError | undefined)[] = []
  const opening = openLoadConnection(
    {
      ...server.location,
      window: 10,
      payload: NOTHING,
      // The native engine is not for credentials.
      ...(credentials === undefined ? { engine: TEST_ENGINE } : { credentials }),
    },
    { answered: ({ count }) => acks.push(count), room() {}, closed: (_, error) => ends.push(error), ...listener },
  )
  return { opening, server, acks, ends }
}

describe('a fault of our own is reported as that, with its cause, and ends the connection', () => {
  const message = 'a fault in the client: frames is not iterable'

  test('of a client', async () => {
    const { client, side } = await connected()
    const request = rejection(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    const fault = breakDecoder()
    side.send(submitAck(1))
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_INTERNAL', sent: true, cause: fault })
    expect(await client.closed).toMatchObject({ code: 'ERR_CLIENT_INTERNAL', message, cause: fault })
    expect(client.alive).toBe(false)
  })

  test('of a load connection', async () => {
    const { opening, server, ends } = await loadConnection({})
    const connection = await opening
    const side = await server.accepted()
    connection.send(1)
    await side.receiveLike(submit(1))
    const fault = breakDecoder()
    // The native engine cuts acks by itself: only something else is decoded here.
    side.send(isNative ? connAck(1) : submitAck(1))
    await side.untilClosed()
    await waitFor(
      () => ends.length > 0,
      () => 'for the end to be reported',
    )
    expect(ends).toEqual([expect.objectContaining({ code: 'ERR_CLIENT_INTERNAL', message, cause: fault })])
  })

  test('while the server looks at the credentials', async () => {
    const { opening, server } = await loadConnection({}, 'secret')
    const failed = rejection(opening)
    const side = await server.accepted()
    await side.receiveLike(conn(1, hexOf('secret')))
    const fault = breakDecoder()
    side.send(connAck(1))
    expect(await failed).toMatchObject({ code: 'ERR_CLIENT_INTERNAL', cause: fault })
    await side.untilClosed()
  })
})

describe('a listener that throws is an uncaught exception, and the connection goes on', () => {
  // An error of a listener is not one of the server, even with its class and code.
  test.each([
    ['a TypeError', new TypeError('a mistake of the listener')],
    ['a FrameError', new FrameError('ERR_FRAME_TRUNCATED', 'of another stream', { maxFrameLength: 4, offset: 0 })],
    ['a ClientError', new ClientError('ERR_CLIENT_PROTOCOL', 'of another client')],
  ])('answered, with %s', async (_what, mistake) => {
    const errors = catchUncaught()
    const { opening, server, ends } = await loadConnection({
      answered() {
        throw mistake
      },
    })
    const connection = await opening
    const side = await server.accepted()
    connection.send(3)
    await side.receiveLike(submits(1, 3))
    side.send(submitAck(1) + submitAck(2, 1) + submitAck(3))
    await waitFor(
      () => errors.length === 3,
      () => `for three exceptions; there are ${errors.length}`,
    )
    expect(errors).toEqual([mistake, mistake, mistake])
    expect(connection).toMatchObject({ sent: 3, acks: 3, inFlight: 0, duplicates: 0, mismatched: 0 })
    connection.send(1)
    expect(await side.receiveLike(submits(1, 4))).toBe(submits(1, 4))
    expect(ends).toEqual([])
  })

  test('room', async () => {
    const errors = catchUncaught()
    const mistake = new TypeError('a mistake of the listener')
    const { opening, server, acks, ends } = await loadConnection({
      room() {
        throw mistake
      },
    })
    const connection = await opening
    const side = await server.accepted()
    connection.send(2)
    await side.receiveLike(submits(1, 2))
    side.send(submitAcks(1, 2))
    await waitFor(
      () => errors.length === 1,
      () => 'for the exception',
    )
    expect(errors).toEqual([mistake])
    expect(acks).toEqual([2])
    expect(ends).toEqual([])
    expect(connection.room).toBe(10)
  })

  test('closed', async () => {
    const errors = catchUncaught()
    const mistake = new TypeError('a mistake of the listener')
    const { opening } = await loadConnection({
      closed() {
        throw mistake
      },
    })
    const connection = await opening
    connection.destroy()
    await waitFor(
      () => errors.length === 1,
      () => 'for the exception',
    )
    expect(errors).toEqual([mistake])
  })
})

test('onSent that throws rejects its own request with what was thrown, and the others are answered', async () => {
  const errors = catchUncaught()
  const { client, side } = await connected()
  const mistake = new TypeError('a mistake of the caller')
  const onSent = () => {
    throw mistake
  }
  const [first, second] = [rejection(client.submit(NOTHING, { onSent })), client.submit(NOTHING)]
  expect(await first).toBe(mistake)
  await side.receiveLike(submits(1, 2))
  side.send(submitAcks(1, 2))
  expect(await second).toBe(0)
  expect(client.alive).toBe(true)
  expect(client.inFlight).toBe(0)
  expect(errors).toEqual([])
})
