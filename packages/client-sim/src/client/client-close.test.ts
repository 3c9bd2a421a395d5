import { turns, waitFor, within } from '@demo/testkit/wait-for'
import { frame, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test, vi } from 'vitest'
import { connected, turnClockByHand } from '../testing/connected.ts'
import { rejection, watch } from '../testing/outcome.ts'

const NOTHING = new Uint8Array(0)

describe('close()', () => {
  test('ends the connection with a FIN when nothing waits', async () => {
    const { client, side } = await connected()
    await within(client.close(), 'for the client to close')
    expect(await side.receiveAll()).toBe('')
    expect(await client.closed).toBe(undefined)
    expect(client.alive).toBe(false)
  })

  test('waits for the answers to all that was sent, then ends the connection', async () => {
    const { client, side } = await connected()
    const [first, second] = [client.submit(NOTHING), client.submit(NOTHING)]
    await side.receiveLike(submits(1, 2))
    const closing = watch(client.close())
    side.send(submitAck(2, 2))
    expect(await second).toBe(2)
    await turns(3)
    expect(side.ended).toBe(false)
    expect(closing.state).toBe('pending')
    side.send(submitAck(1, 1))
    expect(await first).toBe(1)
    await within(closing.promise, 'for the client to close')
    expect(await side.receiveAll()).toBe(submits(1, 2))
    expect(await client.closed).toBe(undefined)
  })

  test('sends what was submitted before, in the same turn too', async () => {
    const { client, side } = await connected({ window: 2 })
    const results = Promise.all([client.submit(NOTHING), client.submit(NOTHING), client.submit(NOTHING)])
    const closing = client.close()
    await side.receiveLike(submits(1, 2))
    side.send(submitAcks(1, 2))
    await side.receiveLike(submits(1, 3))
    side.send(submitAck(3))
    expect(await results).toEqual([0, 0, 0])
    await within(closing, 'for the client to close')
    expect(await side.receiveAll()).toBe(submits(1, 3))
  })

  test('accepts no further requests', async () => {
    const { client, side } = await connected()
    const first = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    const closing = client.close()
    expect(client.alive).toBe(false)
    expect(await rejection(client.submit(NOTHING))).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_CLOSED',
      message: 'the client is closed: connect again',
      sent: false,
    })
    side.send(submitAck(1))
    expect(await first).toBe(0)
    await within(closing, 'for the client to close')
    expect(await rejection(client.submit(NOTHING))).toMatchObject({ code: 'ERR_CLIENT_CLOSED', sent: false })
    expect(await side.receiveAll()).toBe(submit(1))
  })

  test('does not wait for the answer to a request that took too long', async () => {
    const { client, side } = await connected()
    turnClockByHand()
    const request = rejection(client.submit(NOTHING, { timeout: 100 }))
    await side.receiveLike(submit(1))
    const closing = watch(client.close())
    await turns(3)
    expect(closing.state).toBe('pending')
    expect(side.ended).toBe(false)
    vi.advanceTimersByTime(100)
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT', sent: true })
    await within(closing.promise, 'for the client to close')
    expect(await side.receiveAll()).toBe(submit(1))
  })

  test('does not wait for a request that took too long in the client', async () => {
    const { client, side } = await connected({ window: 1 })
    turnClockByHand()
    const sent = rejection(client.submit(NOTHING, { timeout: 50 }))
    const unsent = rejection(client.submit(NOTHING, { timeout: 100 }))
    await side.receiveLike(submit(1))
    const closing = client.close()
    vi.advanceTimersByTime(50)
    expect(await sent).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT', sent: true })
    await turns(2)
    expect(side.ended).toBe(false)
    vi.advanceTimersByTime(50)
    expect(await unsent).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT', sent: false })
    await within(closing, 'for the client to close')
    expect(await side.receiveAll()).toBe(submit(1))
  })

  test('does not wait for the answer to a request that was aborted', async () => {
    const { client, side } = await connected({ timeout: 0 })
    const abort = new AbortController()
    const request = rejection(client.submit(NOTHING, { signal: abort.signal }))
    await side.receiveLike(submit(1))
    const closing = client.close()
    abort.abort()
    await request
    await within(closing, 'for the client to close')
    expect(await side.receiveAll()).toBe(submit(1))
  })

  test('takes answers that come after its FIN to requests that were given up', async () => {
    const { client, side } = await connected({ holdsOn: true })
    const abort = new AbortController()
    const request = rejection(client.submit(NOTHING, { signal: abort.signal }))
    await side.receiveLike(submit(1))
    abort.abort()
    await request
    const closing = client.close()
    await side.receiveAll()
    side.end(submitAck(1))
    await within(closing, 'for the client to close')
    expect(await client.closed).toBe(undefined)
  })

  test('waits for the server to end its side', async () => {
    const { client, side } = await connected({ holdsOn: true })
    const closing = watch(client.close())
    await side.receiveAll()
    await turns(3)
    expect(closing.state).toBe('pending')
    side.end()
    await within(closing.promise, 'for the client to close')
  })

  test.each([
    ['the time of the client', 300, 300],
    ['five seconds when the client has no limit', 0, 5000],
  ])('waits no longer than %s for that', async (_what, timeout, longest) => {
    const { client, side } = await connected({ holdsOn: true, timeout })
    turnClockByHand()
    const closing = watch(client.close())
    await side.receiveAll()
    vi.advanceTimersByTime(longest - 1)
    await turns(3)
    expect(closing.state).toBe('pending')
    vi.advanceTimersByTime(1)
    await within(closing.promise, 'for the client to close')
    expect(client.alive).toBe(false)
  })

  test('may be called again: each call waits for the same end', async () => {
    const { client, side } = await connected()
    const request = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    const closings = [watch(client.close()), watch(client.close())]
    await turns(3)
    expect(closings.map(({ state }) => state)).toEqual(['pending', 'pending'])
    side.send(submitAck(1))
    expect(await request).toBe(0)
    await within(Promise.all(closings.map(({ promise }) => promise)), 'for the client to close')
    await within(client.close(), 'for a closed client to close')
    expect(await side.receiveAll()).toBe(submit(1))
  })

  test('of a connection that is gone gives nothing, and no error', async () => {
    const { client, side } = await connected()
    side.reset()
    await client.closed
    expect(await within(client.close(), 'for a lost client to close')).toBe(undefined)
  })

  test('ends when the connection is lost: requests without an answer reject', async () => {
    const { client, side } = await connected({ window: 1 })
    const [sent, unsent] = [rejection(client.submit(NOTHING)), rejection(client.submit(NOTHING))]
    await side.receiveLike(submit(1))
    const closing = client.close()
    side.reset()
    expect(await sent).toMatchObject({ code: 'ERR_CLIENT_CONNECTION_LOST', sent: true })
    expect(await unsent).toMatchObject({ code: 'ERR_CLIENT_CONNECTION_LOST', sent: false })
    expect(await within(closing, 'for the client to close')).toBe(undefined)
  })

  test('ends when the server breaks the protocol', async () => {
    const { client, side } = await connected()
    const request = rejection(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    const closing = client.close()
    side.send(frame(''))
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL', sent: true })
    expect(await within(closing, 'for the client to close')).toBe(undefined)
    expect(await client.closed).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL' })
  })

  test('leaves no clock behind', async () => {
    turnClockByHand()
    const { client, side } = await connected()
    const request = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    const closing = client.close()
    side.send(submitAck(1))
    await request
    await within(closing, 'for the client to close')
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a client closes itself at the end of its scope', async () => {
  const { client, side } = await connected()
  const results: number[] = []
  {
    await using scoped = client
    void scoped.submit(NOTHING).then((result) => results.push(result))
    await side.receiveLike(submit(1))
    side.send(submitAck(1, 5))
  }
  expect(results).toEqual([5])
  expect(client.alive).toBe(false)
  expect(await client.closed).toBe(undefined)
  await waitFor(
    () => side.ended,
    () => 'for the client to end its side',
  )
})

describe('close() with a time limit', () => {
  test('rejects at its end what is left, and closes', async () => {
    const { client, side } = await connected({ window: 1, timeout: 0 })
    turnClockByHand()
    const [sent, unsent] = [rejection(client.submit(NOTHING)), rejection(client.submit(NOTHING))]
    await side.receiveLike(submit(1))
    const closing = watch(client.close({ timeout: 100 }))
    vi.advanceTimersByTime(99)
    await turns(3)
    expect(closing.state).toBe('pending')
    vi.advanceTimersByTime(1)
    const message = 'the client was closed, and not all answers came within 100 ms'
    expect(await sent).toMatchObject({ code: 'ERR_CLIENT_DESTROYED', sent: true })
    expect(await unsent).toMatchObject({ code: 'ERR_CLIENT_DESTROYED', sent: false, message })
    await within(closing.promise, 'for the client to close')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that is shorter than an earlier one counts', async () => {
    const { client, side } = await connected({ timeout: 0 })
    turnClockByHand()
    const request = rejection(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    const closings = [client.close(), client.close({ timeout: 1000 })]
    vi.advanceTimersByTime(100)
    closings.push(client.close({ timeout: 50 }))
    vi.advanceTimersByTime(49)
    await turns(3)
    expect(side.closed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_DESTROYED' })
    await within(Promise.all(closings), 'for the client to close')
  })

  test.each([
    ['longer', 1000],
    ['none', 0],
  ])('holds when a later one is %s', async (_what, later) => {
    const { client, side } = await connected({ timeout: 0 })
    turnClockByHand()
    const request = rejection(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    const closings = [client.close({ timeout: 100 })]
    vi.advanceTimersByTime(50)
    closings.push(client.close({ timeout: later }))
    vi.advanceTimersByTime(50)
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_DESTROYED' })
    await within(Promise.all(closings), 'for the client to close')
  })

  test('ends a connection that the server does not end, without an error', async () => {
    const { client, side } = await connected({ holdsOn: true, timeout: 0 })
    turnClockByHand()
    const closing = client.close({ timeout: 100 })
    await side.receiveAll()
    vi.advanceTimersByTime(100)
    await within(closing, 'for the client to close')
    expect(await client.closed).toBe(undefined)
  })

  test.each([-1, Number.NaN, 2 ** 31, '1' as never, null as never])(
    'that is %s rejects, and changes nothing',
    async (timeout) => {
      const { client, side } = await connected()
      const closing = client.close({ timeout })
      expect(await rejection(closing)).toBeInstanceOf(RangeError)
      expect(client.alive).toBe(true)
      const request = client.submit(NOTHING)
      await side.receiveLike(submit(1))
      side.send(submitAck(1))
      expect(await request).toBe(0)
    },
  )
})

describe('destroy()', () => {
  test('rejects all pending requests, with the reason as cause', async () => {
    const { client, side } = await connected({ window: 1 })
    const [sent, unsent] = [watch(client.submit(NOTHING)), watch(client.submit(NOTHING))]
    const errors = [rejection(sent.promise), rejection(unsent.promise)]
    await side.receiveLike(submit(1))
    const reason = new Error('shutting down')
    client.destroy(reason)
    expect(client.alive).toBe(false)
    expect(client.inFlight).toBe(0)
    expect(client.queued).toBe(0)
    // Microtasks only, no event of the socket.
    await Promise.resolve()
    expect([sent.state, unsent.state]).toEqual(['rejected', 'rejected'])
    const destroyed = { code: 'ERR_CLIENT_DESTROYED', cause: reason }
    expect(await errors[0]).toMatchObject({ ...destroyed, sent: true })
    expect(await errors[1]).toMatchObject({
      ...destroyed,
      sent: false,
      message: 'the client was destroyed: shutting down',
    })
    expect(await within(client.closed, 'for the client to close')).toMatchObject(destroyed)
    expect(await rejection(client.submit(NOTHING))).toMatchObject({ code: 'ERR_CLIENT_DESTROYED', sent: false })
    await side.untilClosed()
    expect(side.received).toBe(submit(1))
  })

  test('ends a close() that waits', async () => {
    const { client, side } = await connected({ timeout: 0 })
    const request = rejection(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    const closing = client.close()
    client.destroy()
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_DESTROYED', sent: true })
    await within(closing, 'for the client to close')
  })

  test('may be called again, and after the end: the first end counts', async () => {
    const { client } = await connected()
    client.destroy(new Error('first'))
    client.destroy(new Error('second'))
    expect(await within(client.closed, 'for the client to close')).toMatchObject({ cause: { message: 'first' } })
    client.destroy(new Error('third'))
    await within(client.close({ timeout: 1 }), 'for a destroyed client to close')
  })

  test('from onSent leaves nothing behind', async () => {
    const { client, side } = await connected()
    turnClockByHand()
    const errors = [
      rejection(client.submit(NOTHING, { onSent: () => client.destroy() })),
      rejection(client.submit(NOTHING)),
    ]
    for (const error of errors) expect(await error).toMatchObject({ code: 'ERR_CLIENT_DESTROYED', sent: true })
    await side.untilClosed()
    expect(vi.getTimerCount()).toBe(0)
  })
})
