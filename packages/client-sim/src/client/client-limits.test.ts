import { getEventListeners } from 'node:events'
import { turns, waitFor } from '@demo/testkit/wait-for'
import { bytesOf, connAck, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test, vi } from 'vitest'
import { connected, turnClockByHand } from '../testing/connected.ts'
import { leave, rejection, watch } from '../testing/outcome.ts'

const NOTHING = new Uint8Array(0)

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('a request that takes too long', () => {
  test.each([
    ['5 seconds by default', {}, 5000],
    ['the time of its client', { timeout: 70 }, 70],
  ])('is rejected after %s, and not before', async (_what, options, timeout) => {
    const { client, side } = await connected(options)
    turnClockByHand()
    const request = client.submit(NOTHING)
    const watched = watch(request)
    await side.receiveLike(submit(1))
    vi.advanceTimersByTime(timeout - 1)
    await turns(2)
    expect(watched.state).toBe('pending')
    vi.advanceTimersByTime(1)
    expect(await rejection(request)).toMatchObject({
      name: 'ClientError',
      code: 'ERR_CLIENT_TIMEOUT',
      message: `no answer came within ${timeout} ms`,
      sent: true,
    })
  })

  test('is rejected after its own time, the others are not', async () => {
    const { client, side } = await connected({ timeout: 100 })
    turnClockByHand()
    const short = client.submit(NOTHING, { timeout: 50 })
    const standard = client.submit(NOTHING)
    const long = watch(client.submit(NOTHING, { timeout: 200 }))
    const watched = [watch(short), watch(standard)]
    await side.receiveLike(submits(1, 3))
    vi.advanceTimersByTime(50)
    expect(await rejection(short)).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT' })
    expect(watched.map(({ state }) => state)).toEqual(['rejected', 'pending'])
    vi.advanceTimersByTime(50)
    expect(await rejection(standard)).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT' })
    vi.advanceTimersByTime(99)
    await turns(2)
    expect(long.state).toBe('pending')
    side.send(submitAck(3))
    expect(await long.promise).toBe(0)
  })

  test('has no limit when that is 0', async () => {
    const { client, side } = await connected({ timeout: 0 })
    turnClockByHand()
    const request = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    expect(vi.getTimerCount()).toBe(0)
    side.send(submitAck(1))
    expect(await request).toBe(0)
  })

  test('has no limit when its own is 0', async () => {
    const { client } = await connected()
    turnClockByHand()
    leave(client.submit(NOTHING, { timeout: 0 }))
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('can’t have %d as its limit', async (timeout) => {
    const { client, side } = await connected()
    const refused = rejection(client.submit(NOTHING, { timeout }))
    // Answers the request if it was sent, so that a wrong limit shows as a success.
    await turns(2)
    if (client.inFlight > 0) {
      await side.receiveLike(submit(1))
      side.send(submitAck(1))
    }
    expect(await refused).toBeInstanceOf(RangeError)
  })

  test('and was not sent is never sent, and says so', async () => {
    const { client, side } = await connected({ window: 1 })
    turnClockByHand()
    const first = client.submit(bytesOf('aa'), { timeout: 0 })
    await side.receiveLike(submit(1, 'aa'))
    const second = client.submit(bytesOf('bb'), { timeout: 100 })
    await turns(2)
    vi.advanceTimersByTime(100)
    expect(await rejection(second)).toMatchObject({
      code: 'ERR_CLIENT_TIMEOUT',
      message: 'the window had no room within 100 ms',
      sent: false,
    })
    side.send(submitAck(1))
    expect(await first).toBe(0)
    const third = client.submit(bytesOf('cc'), { timeout: 0 })
    // It did not use up an ID either.
    const expected = submit(1, 'aa') + submit(2, 'cc')
    expect(await side.receiveLike(expected)).toBe(expected)
    side.send(submitAck(2))
    expect(await third).toBe(0)
  })

  test('keeps its place until its answer comes, and that is taken silently', async () => {
    const { client, side } = await connected({ window: 1 })
    turnClockByHand()
    const first = client.submit(bytesOf('aa'), { timeout: 100 })
    const second = watch(client.submit(bytesOf('bb'), { timeout: 0 }))
    await side.receiveLike(submit(1, 'aa'))
    vi.advanceTimersByTime(100)
    expect(await rejection(first)).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT', sent: true })
    await turns(3)
    expect(client.inFlight).toBe(1)
    expect(side.received).toBe(submit(1, 'aa'))
    side.send(submitAck(1))
    const expected = submit(1, 'aa') + submit(2, 'bb')
    expect(await side.receiveLike(expected)).toBe(expected)
    side.send(submitAck(2, 1))
    expect(await second.promise).toBe(1)
    expect(client.alive).toBe(true)
    expect(client.inFlight).toBe(0)
  })

  test('is answered late once: a second answer breaks the protocol', async () => {
    const { client, side } = await connected()
    turnClockByHand()
    const request = client.submit(NOTHING, { timeout: 100 })
    await side.receiveLike(submit(1))
    vi.advanceTimersByTime(100)
    await rejection(request)
    side.send(submitAck(1) + submitAck(1))
    expect(await client.closed).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL' })
  })

  test('is answered late by the right response: another breaks the protocol', async () => {
    const { client, side } = await connected()
    turnClockByHand()
    const request = client.submit(NOTHING, { timeout: 100 })
    await side.receiveLike(submit(1))
    vi.advanceTimersByTime(100)
    await rejection(request)
    side.send(connAck(1))
    expect(await client.closed).toMatchObject({ code: 'ERR_CLIENT_PROTOCOL' })
  })

  test('has no timer after it is answered', async () => {
    const { client, side } = await connected()
    turnClockByHand()
    const request = client.submit(NOTHING)
    expect(vi.getTimerCount()).toBe(1)
    await side.receiveLike(submit(1))
    side.send(submitAck(1))
    await request
    expect(vi.getTimerCount()).toBe(0)
  })

  test('has no timer after the connection is closed', async () => {
    const { client, side } = await connected({ window: 1 })
    turnClockByHand()
    const [first, second] = [rejection(client.submit(NOTHING)), rejection(client.submit(NOTHING))]
    await side.receiveLike(submit(1))
    side.end()
    await Promise.all([first, second])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a request with a signal', () => {
  test('that has aborted already is rejected with the reason, and never sent', async () => {
    const { client, side } = await connected()
    const reason = new Error('too late')
    const signal = AbortSignal.abort(reason)
    expect(await rejection(client.submit(bytesOf('aa'), { signal }))).toBe(reason)
    expect(listeners(signal)).toBe(0)
    leave(client.submit(bytesOf('bb')))
    expect(await side.receiveLike(submit(1, 'bb'))).toBe(submit(1, 'bb'))
  })

  test('that aborts in the same turn is rejected with the reason, and never sent', async () => {
    const { client, side } = await connected()
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const request = rejection(client.submit(bytesOf('aa'), { signal: abort.signal }))
    leave(client.submit(bytesOf('bb')))
    abort.abort(reason)
    expect(await request).toBe(reason)
    expect(listeners(abort.signal)).toBe(0)
    expect(await side.receiveLike(submit(1, 'bb'))).toBe(submit(1, 'bb'))
  })

  test('that aborts while it waits is rejected with the reason, and never sent', async () => {
    const { client, side } = await connected({ window: 1 })
    const abort = new AbortController()
    const reason = { any: 'value' }
    leave(client.submit(bytesOf('aa')))
    const second = rejection(client.submit(bytesOf('bb'), { signal: abort.signal }))
    leave(client.submit(bytesOf('cc')))
    await side.receiveLike(submit(1, 'aa'))
    abort.abort(reason)
    expect(await second).toBe(reason)
    expect(listeners(abort.signal)).toBe(0)
    side.send(submitAck(1))
    const expected = submit(1, 'aa') + submit(2, 'cc')
    expect(await side.receiveLike(expected)).toBe(expected)
  })

  test('that aborts when it is sent is rejected with the reason; its late answer is taken silently', async () => {
    const { client, side } = await connected({ window: 1 })
    const abort = new AbortController()
    const reason = new Error('no longer wanted')
    const first = rejection(client.submit(bytesOf('aa'), { signal: abort.signal }))
    const second = client.submit(bytesOf('bb'))
    await side.receiveLike(submit(1, 'aa'))
    abort.abort(reason)
    expect(await first).toBe(reason)
    expect(listeners(abort.signal)).toBe(0)
    // The request stays in the window.
    await turns(3)
    expect(client.inFlight).toBe(1)
    expect(side.received).toBe(submit(1, 'aa'))
    side.send(submitAck(1))
    const expected = submit(1, 'aa') + submit(2, 'bb')
    expect(await side.receiveLike(expected)).toBe(expected)
    side.send(submitAck(2))
    expect(await second).toBe(0)
    expect(client.alive).toBe(true)
  })

  test('that aborts without a reason is rejected with an AbortError', async () => {
    const { client } = await connected()
    const abort = new AbortController()
    const request = rejection(client.submit(NOTHING, { signal: abort.signal }))
    abort.abort()
    expect(await request).toMatchObject({ name: 'AbortError' })
  })

  test('that aborts from its own onSent is rejected, and its answer taken silently', async () => {
    const { client, side } = await connected()
    const abort = new AbortController()
    const reason = new Error('seen enough')
    const request = client.submit(NOTHING, { signal: abort.signal, onSent: () => abort.abort(reason) })
    expect(await rejection(request)).toBe(reason)
    await side.receiveLike(submit(1))
    side.send(submitAck(1))
    await waitFor(
      () => client.inFlight === 0,
      () => 'for the answer to be read',
    )
    expect(client.alive).toBe(true)
  })

  test('leaves no clock behind when that aborts', async () => {
    const { client } = await connected()
    turnClockByHand()
    const abort = new AbortController()
    const request = rejection(client.submit(NOTHING, { signal: abort.signal }))
    abort.abort()
    await request
    expect(vi.getTimerCount()).toBe(0)
  })

  test('stops listening to it after it is answered', async () => {
    const { client, side } = await connected()
    const abort = new AbortController()
    const request = client.submit(NOTHING, { signal: abort.signal })
    expect(listeners(abort.signal)).toBe(1)
    await side.receiveLike(submit(1))
    side.send(submitAck(1))
    expect(await request).toBe(0)
    expect(listeners(abort.signal)).toBe(0)
    abort.abort()
    await turns(2)
    expect(client.alive).toBe(true)
  })

  test('stops listening to it after it timed out', async () => {
    const { client, side } = await connected()
    turnClockByHand()
    const abort = new AbortController()
    const request = rejection(client.submit(NOTHING, { signal: abort.signal, timeout: 100 }))
    await side.receiveLike(submit(1))
    vi.advanceTimersByTime(100)
    expect(await request).toMatchObject({ code: 'ERR_CLIENT_TIMEOUT' })
    expect(listeners(abort.signal)).toBe(0)
  })

  test('stops listening to it after the connection is closed', async () => {
    const { client, side } = await connected({ window: 1 })
    const abort = new AbortController()
    const options = { signal: abort.signal }
    const [sent, unsent] = [rejection(client.submit(NOTHING, options)), rejection(client.submit(NOTHING, options))]
    await side.receiveLike(submit(1))
    side.reset()
    await Promise.all([sent, unsent])
    expect(listeners(abort.signal)).toBe(0)
  })

  test('takes the others with it only if they share it', async () => {
    const { client, side } = await connected()
    const abort = new AbortController()
    const options = { signal: abort.signal }
    const shared = [rejection(client.submit(NOTHING, options)), rejection(client.submit(NOTHING, options))]
    const other = client.submit(NOTHING)
    await side.receiveLike(submits(1, 3))
    abort.abort('all of you')
    expect(await Promise.all(shared)).toEqual(['all of you', 'all of you'])
    side.send(submitAcks(1, 3))
    expect(await other).toBe(0)
  })
})
