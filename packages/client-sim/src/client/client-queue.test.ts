import { getEventListeners } from 'node:events'
import { startFakeServer } from '@demo/testkit/fake-server'
import { turns, within } from '@demo/testkit/wait-for'
import { serials, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../index.ts'
import { connected } from '../testing/connected.ts'
import { leave, rejection, watch } from '../testing/outcome.ts'

const NOTHING = new Uint8Array(0)
const FULL = { name: 'ClientError', code: 'ERR_CLIENT_QUEUE_FULL', sent: false }

describe('an invalid option', () => {
  test.each([
    [{ windowBytes: 0 }, 'invalid windowBytes 0: expected an integer from 1, or Infinity'],
    [{ maxQueue: -1 }, 'invalid maxQueue -1: expected an integer from 0, or Infinity'],
    [{ maxQueueBytes: 0.5 }, 'invalid maxQueueBytes 0.5: expected an integer from 0, or Infinity'],
    [{ maxQueueBytes: Number.NaN }, 'invalid maxQueueBytes NaN: expected an integer from 0, or Infinity'],
    [{ maxFrameLength: 12 }, 'invalid maxFrameLength 12: expected an integer from 13 to 4294967295'],
    [
      { silenceTimeout: -1 },
      'invalid silenceTimeout -1: expected milliseconds from 1 to 2147483647, or 0 for no limit',
    ],
  ])('%o is refused', async (options, message) => {
    const error = await rejection(connect({ port: 1, ...options }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toBe(message)
  })
})

describe('maxQueue', () => {
  test('bounds what waits for the window, and takes more once there is room', async () => {
    const { client, side } = await connected({ window: 2, maxQueue: 3 })
    const taken = serials(1, 5).map(() => client.submit(NOTHING))
    expect(await rejection(client.submit(NOTHING))).toMatchObject({
      ...FULL,
      message:
        'the queue is full: 3 requests of 0 bytes wait for the window; maxQueue is 3, maxQueueBytes is 67108864; await client.ready()',
    })
    expect(client.queued).toBe(5)
    await side.receiveLike(submits(1, 2))
    expect(client.queued).toBe(3)
    expect(await rejection(client.submit(NOTHING))).toMatchObject(FULL)
    side.send(submitAck(1))
    await side.receiveLike(submits(1, 3))
    taken.push(client.submit(NOTHING))
    expect(await rejection(client.submit(NOTHING))).toMatchObject(FULL)
    side.send(submitAcks(2, 3))
    await side.receiveLike(submits(1, 5))
    side.send(submitAcks(4, 5))
    await side.receiveLike(submits(1, 6))
    side.send(submitAck(6))
    expect(await Promise.all(taken)).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('of 0 lets nothing wait', async () => {
    const { client, side } = await connected({ window: 1, maxQueue: 0 })
    const first = client.submit(NOTHING)
    expect(await rejection(client.submit(NOTHING))).toMatchObject(FULL)
    await side.receiveLike(submit(1))
    side.send(submitAck(1))
    expect(await first).toBe(0)
    leave(client.submit(NOTHING))
    await side.receiveLike(submits(1, 2))
  })

  test('gives the place of a request that was aborted to another', async () => {
    const { client } = await connected({ window: 1, maxQueue: 1 })
    const abort = new AbortController()
    leave(client.submit(NOTHING), client.submit(NOTHING, { signal: abort.signal }))
    expect(await rejection(client.submit(NOTHING))).toMatchObject(FULL)
    abort.abort()
    const next = watch(client.submit(NOTHING))
    await turns(3)
    expect(next.state).toBe('pending')
  })
})

describe('maxQueueBytes', () => {
  test('bounds the payloads that wait', async () => {
    const { client, side } = await connected({ window: 1, maxQueueBytes: 10 })
    leave(client.submit(new Uint8Array(100)), client.submit(new Uint8Array(6)), client.submit(new Uint8Array(4)))
    expect(await rejection(client.submit(new Uint8Array(1)))).toMatchObject(FULL)
    leave(client.submit(NOTHING))
    await side.receive(113)
    side.send(submitAck(1))
    await side.receive(113 + 19)
    leave(client.submit(new Uint8Array(6)))
    expect(await rejection(client.submit(new Uint8Array(1)))).toMatchObject(FULL)
  })
})

describe('windowBytes', () => {
  test('bounds the payloads in flight', async () => {
    const { client, side } = await connected({ windowBytes: 10 })
    const results = Promise.all(serials(1, 4).map(() => client.submit(new Uint8Array(4))))
    await side.receive(2 * 17)
    await turns(3)
    expect(client.inFlight).toBe(2)
    side.send(submitAck(2))
    await side.receive(3 * 17)
    expect(client.inFlight).toBe(2)
    side.send(submitAcks(3, 3) + submitAck(1))
    await side.receive(4 * 17)
    side.send(submitAck(4))
    expect(await results).toEqual([0, 0, 0, 0])
  })

  test('lets a larger request go alone', async () => {
    const { client, side } = await connected({ windowBytes: 10 })
    const results = Promise.all([4, 11, 4].map((size) => client.submit(new Uint8Array(size))))
    await side.receive(17)
    await turns(3)
    expect(client.inFlight).toBe(1)
    side.send(submitAck(1))
    await side.receive(17 + 24)
    await turns(3)
    expect(client.inFlight).toBe(1)
    side.send(submitAck(2))
    await side.receive(17 + 24 + 17)
    side.send(submitAck(3))
    expect(await results).toEqual([0, 0, 0])
  })
})

describe('ready()', () => {
  test('is at once while there is room', async () => {
    const { client } = await connected({ window: 1, maxQueue: 1 })
    await within(client.ready(), 'for room')
    leave(client.submit(NOTHING))
    await within(client.ready(), 'for room')
  })

  test('waits until submit takes a request', async () => {
    const { client, side } = await connected({ window: 1, maxQueue: 1 })
    leave(client.submit(NOTHING), client.submit(NOTHING))
    const ready = watch(client.ready())
    await side.receiveLike(submit(1))
    await turns(3)
    expect(ready.state).toBe('pending')
    side.send(submitAck(1))
    await within(ready.promise, 'for room')
    const next = watch(client.submit(NOTHING))
    await turns(2)
    expect(next.state).toBe('pending')
  })

  test('of a size waits until there is room for that many bytes', async () => {
    const { client, side } = await connected({ window: 1, maxQueueBytes: 10 })
    leave(client.submit(NOTHING), client.submit(new Uint8Array(8)))
    await within(client.ready(2), 'for room')
    const ready = watch(client.ready(3))
    await side.receiveLike(submit(1))
    await turns(3)
    expect(ready.state).toBe('pending')
    side.send(submitAck(1))
    await within(ready.promise, 'for room')
  })

  test.each([-1, Number.NaN])('of the size %d rejects', async (size) => {
    const { client } = await connected()
    expect(await rejection(client.ready(size))).toBeInstanceOf(RangeError)
  })

  test('lets many producers through without a single refusal', async () => {
    const { client, side } = await connected({ window: 2, maxQueue: 2 })
    const answers: Promise<number>[] = []
    const producers = serials(1, 50).map(async () => {
      await client.ready()
      answers.push(client.submit(NOTHING))
    })
    for (const serial of serials(1, 50)) {
      await side.receiveLike(submits(1, serial))
      side.send(submitAck(serial))
    }
    await within(Promise.all(producers), 'for all producers')
    expect(await Promise.all(answers)).toEqual(answers.map(() => 0))
  })

  test('passes on room that was not used', async () => {
    const { client, side } = await connected({ window: 1, maxQueue: 0 })
    leave(client.submit(NOTHING))
    const waiting = [client.ready(), client.ready(), client.ready()]
    await side.receiveLike(submit(1))
    side.send(submitAck(1))
    await within(Promise.all(waiting), 'for room')
  })

  test.each([
    ['is closed', 'ERR_CLIENT_CLOSED'],
    ['is destroyed', 'ERR_CLIENT_DESTROYED'],
    ['loses its connection', 'ERR_CLIENT_CONNECTION_LOST'],
  ])('rejects when the client %s', async (what, code) => {
    const { client, side } = await connected({ window: 1, maxQueue: 0 })
    leave(client.submit(NOTHING))
    const waiting = rejection(client.ready())
    if (what === 'is closed') leave(client.close())
    else if (what === 'is destroyed') client.destroy()
    else side.reset()
    expect(await waiting).toMatchObject({ code })
    expect(await rejection(client.ready())).toMatchObject({ code })
  })
})

/** Quadratic work took 9 to 100 seconds for this number; linear work takes a tenth of a second. */
describe('100,000 that wait', () => {
  const MANY = 100_000
  /** Far above linear work, and far below quadratic work, in milliseconds of processor time. */
  const LINEAR = 4000

  /** The processor time of this process: other processes do not count. */
  const cpuTime = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }

  test.each<[string, (client: Awaited<ReturnType<typeof connect>>, abort: AbortController) => void]>([
    ['are aborted', (_client, abort) => abort.abort(new Error('enough'))],
    ['are destroyed', (client) => client.destroy()],
    ['are closed', (client) => leave(client.close({ timeout: 1 }))],
    ['time out', () => {}],
  ])('%s in linear time', async (what, end) => {
    const { client, side } = await connected({ window: 1, maxQueue: MANY, timeout: 0 })
    leave(client.submit(NOTHING))
    await side.receiveLike(submit(1))
    const abort = new AbortController()
    const options = { signal: abort.signal, timeout: what === 'time out' ? 1 : 0 }
    const startedAt = cpuTime()
    const rejected = serials(1, MANY).map(() =>
      client.submit(NOTHING, options).then(
        () => 'fulfilled',
        () => 'rejected',
      ),
    )
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
    end(client, abort)
    const outcomes = await Promise.all(rejected)
    expect(cpuTime() - startedAt).toBeLessThan(LINEAR)
    expect(new Set(outcomes)).toEqual(new Set(['rejected']))
    expect(client.queued).toBe(0)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })

  test('leave as fast when each has its own time limit, and the youngest goes first', async () => {
    const { client, side } = await connected({ window: 1, maxQueue: MANY })
    leave(client.submit(NOTHING, { timeout: 0 }))
    await side.receiveLike(submit(1))
    const startedAt = cpuTime()
    const rejected = serials(1, MANY).map((i) =>
      client.submit(NOTHING, { timeout: 100 + (MANY - i) / 1000 }).then(
        () => 'fulfilled',
        ({ code }) => code,
      ),
    )
    expect(new Set(await Promise.all(rejected))).toEqual(new Set(['ERR_CLIENT_TIMEOUT']))
    expect(cpuTime() - startedAt).toBeLessThan(LINEAR)
  })
})

test('many clients and requests may share a signal: it has one listener, and Node warns of nothing', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error) => warnings.push(warning)
  process.on('warning', warned)
  onTestFinished(() => {
    process.off('warning', warned)
  })
  const server = await startFakeServer()
  const { signal } = new AbortController()
  const connecting = serials(1, 20).map(() => connect({ ...server.location, signal }))
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  const clients = await within(Promise.all(connecting), 'for 20 clients')
  expect(getEventListeners(signal, 'abort')).toEqual([])
  leave(...clients.flatMap((client) => [client.submit(NOTHING, { signal }), client.submit(NOTHING, { signal })]))
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  await turns(2)
  expect(warnings).toEqual([])
  for (const client of clients) client.destroy()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
