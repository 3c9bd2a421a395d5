import { type FakeServer, type SeenRequest, startFakeServer, watchRequests } from '@demo/testkit/fake-server'
import { waitFor, within } from '@demo/testkit/wait-for'
import { hexOf, serials } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { describeEvent, type SimulationEvent, type SimulationSummary, simulate } from '../index.ts'
import { watchClientSockets } from '../testing/client-sockets.ts'
import { elementAt } from '../testing/element-at.ts'
import { leave } from '../testing/outcome.ts'

/** Longer than any test, in milliseconds. */
const AN_HOUR = 3_600_000

const ack = ({ id }: SeenRequest, command = '82', result = '00') => `0000000e${command}${hexOf(id)}${result}`

/** A server that answers each request with the given function, and records it. */
async function answering(
  answer: (request: SeenRequest) => string | undefined = ack,
): Promise<FakeServer & { readonly seen: SeenRequest[] }> {
  const seen: SeenRequest[] = []
  const server = await startFakeServer({
    onAccept(side) {
      watchRequests(side, (request) => {
        seen.push(request)
        const hex = answer(request)
        if (hex !== undefined) side.send(hex)
      })
    },
  })
  return { ...server, seen }
}

/** Simulates, and records the events. */
async function record(
  options: Parameters<typeof simulate>[0],
): Promise<{ events: SimulationEvent[]; summary: SimulationSummary }> {
  const events: SimulationEvent[] = []
  const summary = await within(
    simulate(options, (event) => events.push(event)),
    'for the simulation to end',
  )
  return { events, summary }
}

type Event<Type extends SimulationEvent['type']> = Extract<SimulationEvent, { type: Type }>

function ofType<Type extends SimulationEvent['type']>(events: SimulationEvent[], type: Type): Event<Type>[] {
  return events.filter((event): event is Event<Type> => event.type === type)
}

const payloadsOf = (events: SimulationEvent[]) => ofType(events, 'sent').map(({ payload }) => payload)

describe('the client of the Go series', () => {
  test('is 5 connections of 10 submits each', async () => {
    const server = await answering()
    const { events, summary } = await record({ ...server.location, interval: 1 })
    expect(summary).toEqual({ sent: 50, succeeded: 50, failed: 0, errors: 0 })
    expect(server.sides).toHaveLength(5)
    const ids = serials(1, 10).map((serial) => String(serial).padStart(8, '0'))
    for (const side of server.sides) {
      const requests = server.seen.filter((request) => request.side === side)
      expect(requests.map(({ id }) => id)).toEqual(ids)
      for (const { command, payload } of requests) {
        expect(command).toBe(0x02)
        expect(payload).toMatch(/^[a-z]+-[a-z]+$/)
      }
    }
    for (const client of serials(1, 5)) {
      const mine = events.filter((event) => event.client === client)
      expect(ofType(mine, 'sent').map(({ id }) => id)).toEqual(ids)
      expect(ofType(mine, 'answered').map(({ id }) => id)).toEqual(ids)
      expect(mine.at(-1)).toEqual({ type: 'exited', client, error: undefined })
    }
  })

  test('ends each connection with a FIN, and is over when they are gone', async () => {
    const sockets = watchClientSockets()
    const server = await answering()
    await record({ ...server.location, interval: 0 })
    expect(sockets.map(({ socket }) => socket.destroyed)).toEqual([true, true, true, true, true])
    await Promise.all(server.sides.map((side) => side.receiveAll()))
    expect(server.sides.map(({ ended }) => ended)).toEqual([true, true, true, true, true])
  })

  test('logs these lines', async () => {
    const server = await answering((request) => ack(request, '82', request.id === '00000002' ? '01' : '00'))
    const { events } = await record({ ...server.location, clients: 1, submits: 2, interval: 0, seed: 0 })
    expect(events.map(describeEvent)).toEqual([
      '[client 1]: dial ok',
      '[client 1]: send submit id = 00000001, payload=fresh-amber, frame length = 24',
      '[client 1]: send submit id = 00000002, payload=firm-bridge, frame length = 24',
      '[client 1]: the result of submit ack[00000001] is 0',
      '[client 1]: the result of submit ack[00000002] is 1',
      '[client 1]: exit ok',
    ])
    expect(server.seen.map(({ payload }) => payload)).toEqual(['fresh-amber', 'firm-bridge'])
  })

  test('speaks the Go demo’s dialect, too', async () => {
    const server = await answering((request) => ack(request, '81'))
    const { summary } = await record({ ...server.location, dialect: 'go-demo', clients: 2, submits: 3, interval: 0 })
    expect(summary).toEqual({ sent: 6, succeeded: 6, failed: 0, errors: 0 })
  })

  test('needs no listener', async () => {
    const server = await answering()
    const summary = await within(
      simulate({ ...server.location, clients: 2, submits: 2, interval: 0 }),
      'for the simulation to end',
    )
    expect(summary).toEqual({ sent: 4, succeeded: 4, failed: 0, errors: 0 })
  })
})

test.each<[string, SimulationEvent]>([
  ['[client 3]: dial ok', { type: 'connected', client: 3 }],
  [
    '[client 3]: send submit id = 00000001, payload=firm-iron, frame length = 22',
    { type: 'sent', client: 3, id: '00000001', payload: 'firm-iron', frameLength: 22 },
  ],
  ['[client 3]: the result of submit ack[00000001] is 0', { type: 'answered', client: 3, id: '00000001', result: 0 }],
  [
    '[client 5]: the result of submit ack[00000010] is 254',
    { type: 'answered', client: 5, id: '00000010', result: 254 },
  ],
  ['[client 3]: exit ok', { type: 'exited', client: 3, error: undefined }],
  [
    '[client 3]: exit with error: the server ended the connection',
    { type: 'exited', client: 3, error: new Error('the server ended the connection') },
  ],
])('an event is the line %s', (line, event) => {
  expect(describeEvent(event)).toBe(line)
})

describe('the payloads', () => {
  test('are the same for the same seed', async () => {
    const server = await answering()
    const options = { ...server.location, clients: 3, submits: 4, interval: 0, seed: 2023 }
    // The order of the clients is random; the payloads of each are not.
    const byClient = (events: SimulationEvent[]) =>
      [1, 2, 3].map((number) => payloadsOf(events.filter(({ client }) => client === number)))
    const first = byClient((await record(options)).events)
    const second = byClient((await record(options)).events)
    expect(first.flat()).toHaveLength(12)
    expect(first[0]).toEqual(['keen-grove', 'sound-river', 'ripe-dune', 'fast-spark'])
    expect(second).toEqual(first)
  })

  test('are others for another seed', async () => {
    const server = await answering()
    const options = { ...server.location, clients: 1, submits: 10, interval: 0 }
    const first = payloadsOf((await record({ ...options, seed: 1 })).events)
    const second = payloadsOf((await record({ ...options, seed: 2 })).events)
    expect(second).not.toEqual(first)
  })
})

describe('the interval', () => {
  test('lies between the submits of a client, and they do not wait for answers', async () => {
    const waiting: SeenRequest[] = []
    const server = await answering((request) => {
      waiting.push(request)
      // None is answered before all have come.
      if (waiting.length === 20) for (const one of waiting) one.side.send(ack(one))
      return undefined
    })
    const startedAt = performance.now()
    const times: number[][] = [[], [], [], []]
    const summary = await within(
      simulate({ ...server.location, clients: 4, submits: 5, interval: 20 }, (event) => {
        if (event.type === 'sent') elementAt(times, event.client - 1).push(performance.now() - startedAt)
      }),
      'for the simulation to end',
    )
    expect(summary).toEqual({ sent: 20, succeeded: 20, failed: 0, errors: 0 })
    for (const own of times) {
      // Node's timers have a resolution of 1 ms: a timer may fire up to 1 ms early by the finer clock.
      for (const [i, time] of own.entries()) expect(time).toBeGreaterThanOrEqual(i * 20 - 1)
    }
  })

  test('of 0 sends all at once', async () => {
    const server = await answering()
    const { events } = await record({ ...server.location, clients: 1, submits: 5, interval: 0 })
    expect(events.map(({ type }) => type)).toEqual([
      ...['connected', 'sent', 'sent', 'sent', 'sent', 'sent'],
      ...['answered', 'answered', 'answered', 'answered', 'answered', 'exited'],
    ])
  })
})

describe('what goes wrong', () => {
  test('a failure is counted, and is not an error', async () => {
    const server = await answering((request) => ack(request, '82', request.id === '00000003' ? 'fe' : '00'))
    const { events, summary } = await record({ ...server.location, clients: 2, submits: 4, interval: 0 })
    expect(summary).toEqual({ sent: 8, succeeded: 6, failed: 2, errors: 0 })
    expect(ofType(events, 'answered').filter(({ result }) => result === 254)).toHaveLength(2)
    expect(ofType(events, 'exited').map(({ error }) => error)).toEqual([undefined, undefined])
  })

  test('a client that can’t connect exits with an error', async () => {
    const { events, summary } = await record({ path: '/no/such/socket', clients: 2, interval: 0 })
    expect(summary).toEqual({ sent: 0, succeeded: 0, failed: 0, errors: 2 })
    expect(events.map(describeEvent).sort()).toEqual([
      "[client 1]: exit with error: can't connect to /no/such/socket: connect ENOENT /no/such/socket",
      "[client 2]: exit with error: can't connect to /no/such/socket: connect ENOENT /no/such/socket",
    ])
  })

  test('a client whose connection is lost exits with an error, the others go on', async () => {
    const server = await answering((request) => {
      if (request.side !== server.sides[1]) return ack(request)
      request.side.reset()
      return undefined
    })
    const { events, summary } = await record({ ...server.location, clients: 3, submits: 2, interval: 0 })
    expect(summary).toEqual({ sent: 6, succeeded: 4, failed: 0, errors: 1 })
    const [error] = ofType(events, 'exited').flatMap(({ error }) => (error === undefined ? [] : [error]))
    expect(error).toMatchObject({ code: 'ERR_CLIENT_CONNECTION_LOST', sent: true })
  })

  test('a client whose connection is lost exits then, and not after all its intervals', async () => {
    const server = await answering((request) => {
      request.side.end()
      return undefined
    })
    const abort = new AbortController()
    onTestFinished(() => abort.abort())
    const events: SimulationEvent[] = []
    leave(
      simulate({ ...server.location, clients: 2, submits: 10, interval: AN_HOUR, signal: abort.signal }, (event) => {
        events.push(event)
      }),
    )
    await waitFor(
      () => ofType(events, 'exited').length === 2,
      () => `for both clients to exit; there were ${events.map(({ type }) => type).join(', ')}`,
    )
    expect(ofType(events, 'exited').map(({ error }) => error)).toMatchObject([
      { code: 'ERR_CLIENT_CONNECTION_LOST' },
      { code: 'ERR_CLIENT_CONNECTION_LOST' },
    ])
  })

  test('a server that breaks the protocol ends its clients with an error', async () => {
    const server = await answering(({ id }) => `0000000e82${hexOf(id)}00`.repeat(2))
    const { summary, events } = await record({ ...server.location, clients: 1, submits: 1, interval: 0 })
    expect(summary).toMatchObject({ sent: 1, succeeded: 1 })
    expect(ofType(events, 'exited')).toHaveLength(1)
  })
})

describe('a signal ends it', () => {
  test('while the clients wait for their next submit', async () => {
    const server = await answering()
    const abort = new AbortController()
    const events: SimulationEvent[] = []
    const ending = simulate({ ...server.location, interval: AN_HOUR, signal: abort.signal }, (event) => {
      events.push(event)
      if (ofType(events, 'answered').length === 5) abort.abort()
    })
    const summary = await within(ending, 'for the simulation to end')
    expect(summary).toMatchObject({ sent: 5, succeeded: 5, failed: 0 })
    expect(
      ofType(events, 'exited')
        .map(({ client }) => client)
        .sort(),
    ).toEqual([1, 2, 3, 4, 5])
    await Promise.all(server.sides.map((side) => side.receiveAll()))
  })

  test('while requests wait for their answers', async () => {
    const server = await answering(() => undefined)
    const abort = new AbortController()
    const events: SimulationEvent[] = []
    const ending = simulate({ ...server.location, submits: 1, signal: abort.signal }, (event) => events.push(event))
    await waitFor(
      () => server.seen.length === 5,
      () => `for 5 requests; there are ${server.seen.length}`,
    )
    abort.abort(new Error('enough'))
    const summary = await within(ending, 'for the simulation to end')
    expect(summary).toEqual({ sent: 5, succeeded: 0, failed: 0, errors: 5 })
    expect(ofType(events, 'exited').map(describeEvent).sort()).toEqual(
      serials(1, 5).map((client) => `[client ${client}]: exit with error: enough`),
    )
    await Promise.all(server.sides.map((side) => side.receiveAll()))
  })

  test('before it begins: nothing is sent', async () => {
    const server = await answering()
    const { events, summary } = await record({
      ...server.location,
      clients: 2,
      submits: 3,
      interval: 0,
      signal: AbortSignal.abort(),
    })
    expect(summary).toMatchObject({ sent: 0, succeeded: 0, failed: 0 })
    expect(ofType(events, 'sent')).toEqual([])
    expect(
      ofType(events, 'exited')
        .map(({ client }) => client)
        .sort(),
    ).toEqual([1, 2])
    expect(server.seen).toEqual([])
  })
})

describe('onEvent that throws', () => {
  test.each(['connected', 'sent', 'answered', 'exited'] as const)(
    'at the event %s ends the simulation, which rejects with what was thrown',
    async (type) => {
      const sockets = watchClientSockets()
      const server = await answering()
      const mistake = new TypeError('a mistake of the listener')
      const types: string[] = []
      const simulating = simulate({ ...server.location, submits: 3, interval: 0 }, (event) => {
        types.push(event.type)
        if (event.type === type) throw mistake
      })
      await expect(within(simulating, 'for the simulation to end')).rejects.toBe(mistake)
      // No event comes after it.
      expect(types.filter((one) => one === type)).toHaveLength(1)
      expect(types.at(-1)).toBe(type)
      expect(sockets.map(({ socket }) => socket.destroyed)).toEqual(sockets.map(() => true))
    },
  )
})
