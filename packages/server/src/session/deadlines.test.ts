import { setImmediate as turn } from 'node:timers/promises'
import { waitFor } from '@demo/testkit/wait-for'
import { conn, connAck, manySubmits, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CloseReason, ServerOptions } from '../index.ts'
import { Gate, startServer } from '../testing/harness.ts'
import { SessionDeadlines, type SessionSnapshot, type TimeLimits } from './deadlines.ts'
import { Sweeper } from './sweeper.ts'

const NO_LIMITS: TimeLimits = {
  handshakeTimeout: Number.POSITIVE_INFINITY,
  frameTimeout: Number.POSITIVE_INFINITY,
  idleTimeout: Number.POSITIVE_INFINITY,
  writeTimeout: Number.POSITIVE_INFINITY,
  handlerTimeout: Number.POSITIVE_INFINITY,
  lingerTimeout: Number.POSITIVE_INFINITY,
}

/** A session that does nothing, and waits for nothing. */
const QUIET: SessionSnapshot = {
  handshaking: false,
  framesTaken: 0,
  insideFrame: false,
  receivedBytes: 0,
  deferred: false,
  inFlight: 0,
  sentBytes: 0,
  unsentBytes: 0,
  ended: false,
}

/** Where the clock stands at the first sweep: not at zero, as it never does. */
const START = 123_456.75

/** Sweeps a session at times of the test's choosing. */
function sweeping(limits: Partial<TimeLimits>) {
  const deadlines = new SessionDeadlines({ ...NO_LIMITS, ...limits })
  return (at: number, seen: Partial<SessionSnapshot> = {}) => deadlines.check({ ...QUIET, ...seen }, START + at)
}

describe('handshakeTimeout', () => {
  test('strikes at its value and not before, whatever comes meanwhile', () => {
    const sweep = sweeping({ handshakeTimeout: 100 })
    expect(sweep(0, { handshaking: true })).toBeUndefined()
    expect(sweep(50, { handshaking: true, receivedBytes: 10, insideFrame: true })).toBeUndefined()
    expect(sweep(99.9, { handshaking: true, receivedBytes: 20, inFlight: 1 })).toBeUndefined()
    expect(sweep(100, { handshaking: true, receivedBytes: 30, inFlight: 1 })).toBe('handshake-timeout')
    expect(sweep(100.1, { handshaking: true })).toBe('handshake-timeout')
  })

  test('never strikes once the Conn has succeeded', () => {
    const sweep = sweeping({ handshakeTimeout: 100 })
    sweep(0, { handshaking: true })
    expect(sweep(99, { handshaking: false })).toBeUndefined()
    expect(sweep(100_000, { handshaking: false })).toBeUndefined()
  })
})

describe('frameTimeout', () => {
  test('strikes at its value and not before, however the bytes drip in', () => {
    const sweep = sweeping({ frameTimeout: 100 })
    expect(sweep(0, { insideFrame: true, receivedBytes: 1 })).toBeUndefined()
    for (let at = 1; at < 100; at++) {
      expect(sweep(at, { insideFrame: true, receivedBytes: 1 + at })).toBeUndefined()
    }
    expect(sweep(99.9, { insideFrame: true, receivedBytes: 100 })).toBeUndefined()
    expect(sweep(100, { insideFrame: true, receivedBytes: 101 })).toBe('frame-timeout')
  })

  test('begins anew with each frame', () => {
    const sweep = sweeping({ frameTimeout: 100 })
    for (let frame = 0; frame < 50; frame++) {
      expect(sweep(frame * 99, { insideFrame: true, framesTaken: frame })).toBeUndefined()
    }
    const last = 49 * 99
    expect(sweep(last + 99.9, { insideFrame: true, framesTaken: 49 })).toBeUndefined()
    expect(sweep(last + 100, { insideFrame: true, framesTaken: 49 })).toBe('frame-timeout')
  })

  test('begins anew when the session was not reading: the delay was ours', () => {
    const sweep = sweeping({ frameTimeout: 100 })
    sweep(0, { insideFrame: true, framesTaken: 7 })
    expect(sweep(90, { insideFrame: false, framesTaken: 7 })).toBeUndefined()
    expect(sweep(500, { insideFrame: true, framesTaken: 7 })).toBeUndefined()
    expect(sweep(599, { insideFrame: true, framesTaken: 7 })).toBeUndefined()
    expect(sweep(600, { insideFrame: true, framesTaken: 7 })).toBe('frame-timeout')
  })

  test('never strikes between two frames', () => {
    const sweep = sweeping({ frameTimeout: 100 })
    for (let at = 0; at < 100_000; at += 10_000) expect(sweep(at)).toBeUndefined()
  })

  test('strikes while handlers are in flight, too', () => {
    const sweep = sweeping({ frameTimeout: 100 })
    sweep(0, { insideFrame: true, inFlight: 3 })
    expect(sweep(100, { insideFrame: true, inFlight: 3 })).toBe('frame-timeout')
  })
})

describe('idleTimeout', () => {
  test('strikes at its value and not before', () => {
    const sweep = sweeping({ idleTimeout: 100 })
    expect(sweep(0)).toBeUndefined()
    expect(sweep(99.9)).toBeUndefined()
    expect(sweep(100)).toBe('idle-timeout')
  })

  test('begins anew with each byte received', () => {
    const sweep = sweeping({ idleTimeout: 100 })
    sweep(0)
    for (let i = 1; i < 50; i++) expect(sweep(i * 99, { receivedBytes: i })).toBeUndefined()
    expect(sweep(49 * 99 + 99.9, { receivedBytes: 49 })).toBeUndefined()
    expect(sweep(49 * 99 + 100, { receivedBytes: 49 })).toBe('idle-timeout')
  })

  test.each<[string, Partial<SessionSnapshot>]>([
    ['a handler is in flight', { inFlight: 1 }],
    ['acks wait to be taken', { unsentBytes: 14 }],
  ])('never strikes while %s, and begins anew after', (_name, busy) => {
    const sweep = sweeping({ idleTimeout: 100 })
    sweep(0)
    for (let at = 90; at < 10_000; at += 90) expect(sweep(at, busy)).toBeUndefined()
    expect(sweep(10_000)).toBeUndefined()
    expect(sweep(10_099.9)).toBeUndefined()
    expect(sweep(10_100)).toBe('idle-timeout')
  })

  test('knows a request that came and went between two sweeps by its bytes', () => {
    const sweep = sweeping({ idleTimeout: 100 })
    sweep(0, { receivedBytes: 13 })
    expect(sweep(99, { receivedBytes: 26 })).toBeUndefined()
    expect(sweep(150, { receivedBytes: 26 })).toBeUndefined()
  })
})

describe('writeTimeout', () => {
  test('strikes at its value and not before', () => {
    const sweep = sweeping({ writeTimeout: 100 })
    expect(sweep(0, { unsentBytes: 14 })).toBeUndefined()
    expect(sweep(99.9, { unsentBytes: 14 })).toBeUndefined()
    expect(sweep(100, { unsentBytes: 14 })).toBe('write-timeout')
  })

  test('begins anew with each ack that the peer takes', () => {
    const sweep = sweeping({ writeTimeout: 100 })
    for (let i = 0; i < 50; i++) expect(sweep(i * 99, { unsentBytes: 1000, sentBytes: i * 14 })).toBeUndefined()
    expect(sweep(49 * 99 + 100, { unsentBytes: 1000, sentBytes: 49 * 14 })).toBe('write-timeout')
  })

  test('is not put off by more acks that wait', () => {
    const sweep = sweeping({ writeTimeout: 100 })
    for (let at = 0; at < 100; at += 10) expect(sweep(at, { unsentBytes: 14 + at, receivedBytes: at })).toBeUndefined()
    expect(sweep(100, { unsentBytes: 500, receivedBytes: 500 })).toBe('write-timeout')
  })

  test('begins anew when the peer took all, and acks wait again', () => {
    const sweep = sweeping({ writeTimeout: 100 })
    sweep(0, { unsentBytes: 14, sentBytes: 0 })
    expect(sweep(90, { unsentBytes: 0, sentBytes: 14 })).toBeUndefined()
    expect(sweep(180, { unsentBytes: 14, sentBytes: 14 })).toBeUndefined()
    expect(sweep(279, { unsentBytes: 14, sentBytes: 14 })).toBeUndefined()
    expect(sweep(280, { unsentBytes: 14, sentBytes: 14 })).toBe('write-timeout')
  })

  test('strikes also when our side is ended, before the limit of lingering', () => {
    const sweep = sweeping({ writeTimeout: 100, lingerTimeout: 1 })
    expect(sweep(0, { unsentBytes: 14 })).toBeUndefined()
    expect(sweep(100, { unsentBytes: 14 })).toBe('write-timeout')
  })
})

describe('lingerTimeout', () => {
  test('strikes at its value and not before, whatever the peer sends', () => {
    const sweep = sweeping({ lingerTimeout: 100 })
    expect(sweep(0, { ended: true })).toBeUndefined()
    expect(sweep(50, { ended: true, receivedBytes: 10 })).toBeUndefined()
    expect(sweep(99.9, { ended: true, receivedBytes: 20 })).toBeUndefined()
    expect(sweep(100, { ended: true, receivedBytes: 30 })).toBe('lingered')
  })

  test('counts from the end of our side, not from the beginning of the session', () => {
    const sweep = sweeping({ lingerTimeout: 100 })
    sweep(0)
    sweep(1000)
    expect(sweep(2000, { ended: true })).toBeUndefined()
    expect(sweep(2099, { ended: true })).toBeUndefined()
    expect(sweep(2100, { ended: true })).toBe('lingered')
  })

  test('is the only limit then: an ended session is not idle', () => {
    const sweep = sweeping({ lingerTimeout: 1000, idleTimeout: 100, frameTimeout: 100, handshakeTimeout: 100 })
    sweep(0, { ended: true })
    expect(sweep(999, { ended: true })).toBeUndefined()
    expect(sweep(1000, { ended: true })).toBe('lingered')
  })
})

test('no limit ever strikes where there is none', () => {
  const sweep = sweeping({})
  const worst: Partial<SessionSnapshot> = { handshaking: true, insideFrame: true, unsentBytes: 14 }
  for (const seen of [{}, worst, { ended: true }]) {
    sweep(0, seen)
    expect(sweep(Number.MAX_SAFE_INTEGER, seen)).toBeUndefined()
  }
})

test('a limit counts from the first sweep that saw it begin: late by a sweep, never early', () => {
  const sweep = sweeping({ frameTimeout: 100 })
  sweep(0)
  // The frame began somewhere between these two.
  sweep(250, { insideFrame: true })
  expect(sweep(349, { insideFrame: true })).toBeUndefined()
  expect(sweep(350, { insideFrame: true })).toBe('frame-timeout')
})

describe('while what a peer sent waits for its turn', () => {
  test('the time for its frame stands still, and goes on afterwards', () => {
    const sweep = sweeping({ frameTimeout: 100 })
    const inside = { insideFrame: true, framesTaken: 1 }
    expect(sweep(0, inside)).toBeUndefined()
    expect(sweep(60, inside)).toBeUndefined()
    for (const at of [90, 150, 5000]) expect(sweep(at, { ...inside, deferred: true })).toBeUndefined()
    expect(sweep(5039, inside)).toBeUndefined()
    expect(sweep(5040, inside)).toBe('frame-timeout')
  })

  test('its silence does not count', () => {
    const sweep = sweeping({ idleTimeout: 100 })
    sweep(0)
    expect(sweep(1000, { deferred: true })).toBeUndefined()
    expect(sweep(1099)).toBeUndefined()
    expect(sweep(1100)).toBe('idle-timeout')
  })

  test('the limits of the handshake and of acks go on', () => {
    const sweep = sweeping({ handshakeTimeout: 100, writeTimeout: 200 })
    sweep(0, { handshaking: true, deferred: true })
    expect(sweep(100, { handshaking: true, deferred: true })).toBe('handshake-timeout')
    sweep(300, { unsentBytes: 1, deferred: true })
    expect(sweep(500, { unsentBytes: 1, deferred: true })).toBe('write-timeout')
  })
})

describe('the sweeper', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** It sweeps when sockets have been read, which takes a millisecond here. */
  const READING = 1

  /** How often it sweeps in a second. */
  function sweepsASecond(limits: Partial<TimeLimits>): number {
    const sweep = vi.fn()
    const sweeper = new Sweeper({ ...NO_LIMITS, tickInterval: Number.POSITIVE_INFINITY, ...limits }, [{ sweep }])
    sweeper.start()
    vi.advanceTimersByTime(1000 + READING)
    sweeper.stop()
    return sweep.mock.calls.length
  }

  test('sweeps 8 times in the shortest limit, but not below 5 ms, and every 250 ms at least', () => {
    expect(sweepsASecond({ idleTimeout: 1000, frameTimeout: 2000 })).toBe(8)
    expect(sweepsASecond({ writeTimeout: 200 })).toBe(40)
    expect(sweepsASecond({ handlerTimeout: 40 })).toBe(200)
    expect(sweepsASecond({ lingerTimeout: 1 })).toBe(200)
    expect(sweepsASecond({ idleTimeout: 300_000 })).toBe(4)
    expect(sweepsASecond({})).toBe(4)
  })

  test('passes the monotonic clock', () => {
    const times: number[] = []
    const sweeper = new Sweeper({ ...NO_LIMITS, tickInterval: Number.POSITIVE_INFINITY, idleTimeout: 800 }, [
      { sweep: (now) => void times.push(now) },
    ])
    const startedAt = performance.now()
    sweeper.start()
    vi.advanceTimersByTime(300 + READING)
    sweeper.stop()
    expect(times.map((now) => now - startedAt)).toEqual([100, 200, 300].map((time) => time + READING))
  })

  test('sweeps once a time, however often it is started, and not after it was stopped', () => {
    const sweep = vi.fn()
    const sweeper = new Sweeper({ ...NO_LIMITS, tickInterval: Number.POSITIVE_INFINITY, idleTimeout: 800 }, [{ sweep }])
    sweeper.start()
    sweeper.start()
    vi.advanceTimersByTime(1000 + READING)
    expect(sweep).toHaveBeenCalledTimes(10)
    sweeper.stop()
    vi.advanceTimersByTime(1000)
    expect(sweep).toHaveBeenCalledTimes(10)
    sweeper.start()
    vi.advanceTimersByTime(100 + READING)
    expect(sweep).toHaveBeenCalledTimes(11)
    sweeper.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a sweep that takes long goes on in later turns, and the next one begins when it is through', async () => {
  const swept: number[] = []
  const busy = (number: number) => ({
    sweep() {
      swept.push(number)
      const end = performance.now() + 10
      while (performance.now() < end);
    },
  })
  const sweeper = new Sweeper({ ...NO_LIMITS, tickInterval: Number.POSITIVE_INFINITY, idleTimeout: 40 }, [
    busy(1),
    busy(2),
    busy(3),
  ])
  sweeper.start()
  while (swept.length < 6) {
    const before = swept.length
    await turn()
    expect(swept.length - before, 'in one turn').toBeLessThanOrEqual(1)
  }
  sweeper.stop()
  expect(swept).toEqual([1, 2, 3, 1, 2, 3])
})

describe('a server sweeps', () => {
  /** The intervals that are set while a server takes its first connection, in milliseconds. */
  async function intervalsOf(options: ServerOptions): Promise<unknown[]> {
    const setInterval = vi.spyOn(globalThis, 'setInterval')
    try {
      const { open } = await startServer({ onConn: () => 0 }, options)
      await open()
      return setInterval.mock.calls.map(([, interval]) => interval)
    } finally {
      setInterval.mockRestore()
    }
  }

  test.each<[string, ServerOptions, number]>([
    ['every 250 ms with the standard limits', {}, 250],
    ['more often where a limit is shorter', { writeTimeout: 1000 }, 125],
    ['by its time limits alone, not by other numbers among its options', { maxInFlight: 1, maxConnections: 1 }, 250],
    [
      'every 250 ms where there are no limits',
      {
        handshakeTimeout: 0,
        frameTimeout: 0,
        idleTimeout: 0,
        writeTimeout: 0,
        handlerTimeout: 0,
        lingerTimeout: 0,
      },
      250,
    ],
  ])('%s', async (_name, options, interval) => {
    expect(await intervalsOf(options)).toEqual([interval])
  })
})

interface Struck {
  readonly reason: CloseReason
  /** From when the session was opened until it was closed, in milliseconds. */
  readonly after: number
}

/** Opens a connection with these limits, has something done on it, and says what closed it, and when. */
async function struckBy(
  options: ServerOptions,
  act: (running: Awaited<ReturnType<typeof startServer>>) => Promise<void>,
  onConn?: () => 0,
): Promise<Struck> {
  let openedAt = 0
  let closedAt = 0
  const running = await startServer(
    {
      ...(onConn === undefined ? {} : { onConn }),
      onOpen() {
        openedAt = performance.now()
      },
      onClose() {
        closedAt = performance.now()
      },
    },
    options,
  )
  await act(running)
  const [closing] = await running.untilClosed(1)
  if (closing === undefined) throw new Error('nothing was closed')
  expect(running.server.counters.connectionsClosed[closing.reason]).toBe(1)
  return { reason: closing.reason, after: closedAt - openedAt }
}

describe('over a socket', () => {
  test('handshakeTimeout closes a peer that sends no Conn', async () => {
    const { reason, after } = await struckBy(
      { handshakeTimeout: 50 },
      async ({ connect }) => {
        const peer = await connect()
        expect(await peer.receiveAll()).toBe('')
      },
      () => 0,
    )
    expect(reason).toBe('handshake-timeout')
    expect(after).toBeGreaterThanOrEqual(50)
  })

  test('idleTimeout closes nobody who sent something while a handler held up everybody', async () => {
    let whileBusy = () => {}
    const { open, closings } = await startServer(
      {
        onSubmit(request) {
          if (request.serial !== 1) return
          whileBusy()
          const end = performance.now() + 400
          while (performance.now() < end);
        },
      },
      { idleTimeout: 200 },
    )
    const [{ peer: slow }, { peer: other }] = [await open(), await open()]
    // The system takes it at once; the server can't read it before the handler is through.
    whileBusy = () => other.send(submit(2))
    slow.send(submit(1))
    expect(await other.receive(14)).toBe(submitAck(2))
    expect(closings).toEqual([])
  })

  test('handshakeTimeout leaves a peer alone whose Conn succeeded, and one that needs none', async () => {
    const withConn = await startServer({ onConn: () => 0 }, { handshakeTimeout: 20, idleTimeout: 100 })
    const peer = await withConn.connect()
    peer.send(conn(1))
    expect(await peer.receiveAll()).toBe(connAck(1))
    expect(await withConn.untilClosed(1)).toMatchObject([{ reason: 'idle-timeout' }])

    const without = await startServer({}, { handshakeTimeout: 20, idleTimeout: 100 })
    await without.connect()
    expect(await without.untilClosed(1)).toMatchObject([{ reason: 'idle-timeout' }])
  })

  test('handshakeTimeout ends a Conn that is pending: it is answered with 1, and whoever decides on it is told', async () => {
    const gate = new Gate()
    const signals: AbortSignal[] = []
    const { open, untilClosed, errors } = await startServer(
      {
        onConn(request, { signal }) {
          signals.push(signal)
          return gate.wait(request)
        },
      },
      { handshakeTimeout: 30 },
    )
    const { peer, session } = await open()
    peer.send(conn(1) + submit(2))
    await gate.holds(1)
    expect(await peer.receiveAll()).toBe(connAck(1, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handshake-timeout' }])
    expect(errors).toMatchObject([
      { message: 'onConn did not settle within 30 ms; its request is answered with a failure' },
    ])
    expect(signals).toMatchObject([{ aborted: true, reason: errors[0] }])
    gate.release()
    expect(session.authenticated).toBe(false)
  })

  test('frameTimeout closes a peer that drips, and answers what it sent before', async () => {
    const { connect, untilClosed } = await startServer({}, { frameTimeout: 60 })
    const peer = await connect()
    peer.send(submits(1, 2))
    expect(await peer.receive(28)).toBe(submitAcks(1, 2))
    // A frame of a thousand bytes, one every few milliseconds.
    const startedAt = performance.now()
    peer.send('000003e802')
    const drip = setInterval(() => peer.socket.writable && peer.send('00'), 5)
    try {
      expect(await peer.receiveAll()).toBe(submitAcks(1, 2))
    } finally {
      clearInterval(drip)
    }
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(60)
    expect(await untilClosed(1)).toMatchObject([{ reason: 'frame-timeout', error: undefined }])
  })

  test('frameTimeout leaves a peer alone whose frame the server itself keeps waiting', async () => {
    const gate = new Gate()
    const { connect, closings } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 1, frameTimeout: 20 })
    const peer = await connect()
    const [first, second] = [submit(1), submit(2)]
    const startedAt = performance.now()
    peer.send(first + second.slice(0, 10))
    await gate.holds(1)
    peer.send(second.slice(10))
    await waitFor(
      () => performance.now() - startedAt > 80,
      () => 'for several times the limit',
    )
    gate.release()
    await gate.holds(1)
    gate.release()
    expect(await peer.receive(28)).toBe(submitAcks(1, 2))
    expect(closings).toEqual([])
  })

  test('idleTimeout closes a peer that sends nothing', async () => {
    const { reason, after } = await struckBy({ idleTimeout: 50 }, async ({ connect }) => {
      const peer = await connect()
      expect(await peer.receiveAll()).toBe('')
    })
    expect(reason).toBe('idle-timeout')
    expect(after).toBeGreaterThanOrEqual(50)
  })

  test('idleTimeout leaves a peer alone that waits for a slow handler', async () => {
    const { connect, untilClosed } = await startServer(
      // Longer than the limit by far: the handler is given up, not the connection.
      { onSubmit: () => new Promise<never>(() => {}) },
      { idleTimeout: 30, handlerTimeout: 120 },
    )
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receiveAll()).toBe(submitAck(1, 1))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'idle-timeout' }])
  })

  test('writeTimeout closes a peer that takes none of its acks', async () => {
    const { reason, after } = await struckBy({ writeTimeout: 50 }, async ({ open }) => {
      const { peer } = await open({ reads: false })
      peer.send(manySubmits(0, 1_000_000))
    })
    expect(reason).toBe('write-timeout')
    expect(after).toBeGreaterThanOrEqual(50)
  })

  test('writeTimeout leaves a peer alone that takes its acks slowly, but takes them', async () => {
    const count = 600_000
    const { open, untilClosed } = await startServer({}, { writeTimeout: 400, maxWriteBuffer: 4096 })
    const { peer } = await open({ reads: false })
    peer.end(manySubmits(0, count))
    const { socket } = peer
    let taken = 0
    let pausesAt = 0
    let ended = false
    socket.on('data', (chunk) => {
      taken += chunk.length
      if (taken >= pausesAt) socket.pause()
    })
    socket.on('end', () => {
      ended = true
    })
    socket.pause()
    // At least 64 KiB at a time: all in all it takes longer than the limit.
    const sips = setInterval(() => {
      pausesAt = taken + 64 * 1024
      socket.resume()
    }, 6)
    try {
      await waitFor(
        () => ended || socket.destroyed,
        () => `for all acks; there are ${taken} bytes`,
        15_000,
      )
    } finally {
      clearInterval(sips)
    }
    expect(taken).toBe(count * 14)
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed' }])
  })

  test('handlerTimeout answers with 1 and aborts the signal, at its value and not before', async () => {
    const startedAt: number[] = []
    const abortedAt: number[] = []
    const { connect } = await startServer(
      {
        onSubmit(_submit, { signal }) {
          startedAt.push(performance.now())
          signal.addEventListener('abort', () => abortedAt.push(performance.now()))
          return new Promise<never>(() => {})
        },
      },
      { handlerTimeout: 50 },
    )
    const peer = await connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1, 1))
    const [started = 0] = startedAt
    const [aborted = 0] = abortedAt
    expect(aborted - started).toBeGreaterThanOrEqual(50)
  })

  test('handlerTimeout counts for each handler by itself: an early one does not take a late one along', async () => {
    const startedAt = new Map<string, number>()
    const answeredAt = new Map<string, number>()
    const { open } = await startServer(
      {
        onSubmit({ id }) {
          startedAt.set(id, performance.now())
          return new Promise<never>(() => {})
        },
      },
      { handlerTimeout: 80 },
    )
    const { peer } = await open()
    const started = performance.now()
    peer.send(submit(1))
    await waitFor(
      () => performance.now() - started > 40,
      () => 'for half of the limit',
    )
    peer.send(submit(2))
    for (const [i, name] of ['00000001', '00000002'].entries()) {
      await peer.receive((i + 1) * 14)
      answeredAt.set(name, performance.now())
    }
    expect(peer.received).toBe(submitAck(1, 1) + submitAck(2, 1))
    for (const [name, answered] of answeredAt) {
      expect(answered - (startedAt.get(name) ?? 0)).toBeGreaterThanOrEqual(80)
    }
  })

  test('0 switches a limit off', async () => {
    const off = { handshakeTimeout: 0, frameTimeout: 0, idleTimeout: 0, writeTimeout: 0, handlerTimeout: 0 }
    // The shortest limit there is sees to it that sweeps go on; it strikes for another connection.
    const { open, untilClosed } = await startServer({ onConn: () => 0 }, { ...off, lingerTimeout: 1 })
    const quiet = await open()
    const inside = await open()
    inside.peer.send('00')
    const lingering = await open({ holdsOn: true })
    lingering.session.close()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
    for (const { peer, session } of [quiet, inside]) {
      expect(session.state).toBe('open')
      expect(peer.ended).toBe(false)
    }
  })
})
