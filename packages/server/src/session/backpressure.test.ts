import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Peer } from '@demo/testkit/peer'
import { waitFor } from '@demo/testkit/wait-for'
import { manySubmitAcks, manySubmits, sortedAcks, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { type Connected, Gate, type Running, startServer } from '../testing/harness.ts'
import { copiesOfUnsent, mostUnsentFor, testWithReset } from '../testing/transports.ts'

const ACK_LENGTH = 14
const SUBMIT_LENGTH = 13

/** More than the buffers of the system and of Node hold between two sockets of a machine, in bytes. */
const MORE_THAN_BUFFERS = 64 * 1024 * 1024

/** Sends requests for as long as somebody takes them. Their serial numbers begin with 0. */
class Flood {
  readonly #peer: Peer
  readonly #requestsAtOnce = 20_000
  #sent = 0
  #stopped = false

  constructor(peer: Peer) {
    this.#peer = peer
    this.#go()
  }

  /** Requests handed to the peer's socket. */
  get requests(): number {
    return this.#sent
  }

  stop(): void {
    this.#stopped = true
  }

  #go(): void {
    const { socket } = this.#peer
    while (!this.#stopped && !socket.destroyed && this.#sent * SUBMIT_LENGTH < MORE_THAN_BUFFERS) {
      const wantsMore = socket.write(manySubmits(this.#sent, this.#requestsAtOnce))
      this.#sent += this.#requestsAtOnce
      if (!wantsMore) {
        socket.once('drain', () => this.#go())
        return
      }
    }
  }
}

/** Floods a server from a peer that reads nothing, until the server has had enough: it reads no more. */
async function stall({ peer, session, serverSide }: Connected): Promise<Flood> {
  const flood = new Flood(peer)
  let received = -1
  await waitFor(
    () => {
      // Acks wait, nothing is read, and since the last look nothing was.
      const { unsentBytes, paused } = serverSide
      const stalled = unsentBytes > 0 && paused && session.receivedBytes === received
      received = session.receivedBytes
      return stalled
    },
    () => `for the server to read no more; it read ${received} bytes`,
  )
  flood.stop()
  return flood
}

/** Everything that a flood is answered with. */
async function expectEveryAckOnce(peer: Peer, flood: Flood): Promise<void> {
  await peer.receive(flood.requests * ACK_LENGTH, 15_000)
  expect(peer.receivedLength).toBe(flood.requests * ACK_LENGTH)
  expect(peer.receivedBytes.equals(manySubmitAcks(0, flood.requests))).toBe(true)
}

describe('at maxInFlight', () => {
  test('a session takes no more requests, and goes on when handlers settle: all are answered', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 4 })
    const { peer, session, serverSide } = await open()
    peer.send(submits(1, 30))
    for (let answered = 0; answered < 30; ) {
      const inFlight = Math.min(4, 30 - answered)
      await gate.holds(inFlight)
      expect(session.inFlight).toBe(inFlight)
      expect(serverSide.paused).toBe(inFlight === 4)
      // One alone, then all there are: room is found for as many as have settled.
      const count = answered % 8 === 0 ? 1 : inFlight
      for (const one of gate.waiting.splice(0, count)) one.settle(0)
      answered += count
      await peer.receive(answered * ACK_LENGTH)
    }
    expect(gate.most).toBe(4)
    expect(peer.received).toBe(submitAcks(1, 30))
  })

  test('reading stops: what the peer sends further stays with the system', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 2 })
    const { peer, session, serverSide } = await open()
    peer.send(submits(1, 2))
    await gate.holds(2)
    expect(serverSide.paused).toBe(true)
    const before = session.receivedBytes
    peer.send(manySubmits(3, 200_000))
    // Another connection’s round trip: there was time to read, had the server wanted to.
    const other = await open()
    other.peer.send(submit(1))
    await gate.holds(3)
    gate.waiting.pop()?.settle(0)
    await other.peer.receive(ACK_LENGTH)
    expect(session.receivedBytes).toBe(before)
    // Node reads ahead up to its high-water mark and one chunk.
    expect(serverSide.bufferedBytes).toBeLessThanOrEqual(2 * 64 * 1024)
    expect(session.inFlight).toBe(2)
  })

  test('of 1 async handlers run one after the other', async () => {
    let running = 0
    let most = 0
    const { connect } = await startServer(
      {
        async onSubmit() {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setImmediate(resolve))
          running -= 1
        },
      },
      { maxInFlight: 1 },
    )
    const peer = await connect()
    peer.end(submits(1, 300))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 300))
    expect(most).toBe(1)
  })

  test('sync handlers count for nothing, async ones are counted one by one', async () => {
    const gate = new Gate()
    const { open } = await startServer(
      { onSubmit: (submit) => (submit.serial % 10 === 0 ? gate.wait(submit) : 0) },
      { maxInFlight: 3 },
    )
    const { peer, session } = await open()
    peer.send(submits(1, 60))
    await gate.holds(3)
    // Up to the third async one, and not one further.
    expect(sortedAcks(await peer.receive(27 * ACK_LENGTH))).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1)
        .filter((serial) => serial % 10 !== 0)
        .map((serial) => submitAck(serial)),
    )
    expect(session).toMatchObject({ inFlight: 3, requests: 30 })
    gate.release()
    await gate.holds(3)
    gate.release()
    expect(sortedAcks(await peer.receive(60 * ACK_LENGTH))).toEqual(sortedAcks(submitAcks(1, 60)))
    expect(gate.most).toBe(3)
  })

  test('each session has a count of its own', async () => {
    const gate = new Gate()
    const { open } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 2 })
    for (let i = 1; i <= 3; i++) {
      const { peer } = await open()
      peer.send(submits(1, 5))
      await gate.holds(i * 2)
    }
    expect(gate.waiting).toHaveLength(6)
  })

  test('handlers given up by handlerTimeout make room', async () => {
    const { connect } = await startServer(
      { onSubmit: () => new Promise<never>(() => {}) },
      { maxInFlight: 2, handlerTimeout: 10 },
    )
    const peer = await connect()
    peer.end(submits(1, 6))
    let expected = ''
    for (let serial = 1; serial <= 6; serial++) expected += submitAck(serial, 1)
    expect(await peer.receiveAll()).toBe(expected)
  })

  test('0 is no limit', async () => {
    const gate = new Gate()
    const { connect } = await startServer({ onSubmit: gate.wait }, { maxInFlight: 0 })
    const peer = await connect()
    peer.send(manySubmits(0, 3000))
    await gate.holds(3000)
    gate.release()
    await peer.receive(3000 * ACK_LENGTH)
    expect(peer.receivedBytes.equals(manySubmitAcks(0, 3000))).toBe(true)
  })
})

describe('a peer that sends and never reads', () => {
  test.each([
    ['the standard', {}, 1024 * 1024],
    ['the smallest', { maxWriteBuffer: 1024 }, 1024],
    ['64 KiB', { maxWriteBuffer: 64 * 1024 }, 64 * 1024],
    ['none', { maxWriteBuffer: 0 }, 1024 * 1024],
  ])(
    'is read no more, well below maxWriteBuffer: %s; when it reads at last it gets every ack',
    async (_n, options, max) => {
      const { server, open } = await startServer({}, { ...options, writeTimeout: 0 })
      const stalled = await open({ reads: false })
      const flood = await stall(stalled)
      const { session, serverSide, peer } = stalled
      expect(serverSide.mostUnsent).toBeGreaterThan(0)
      expect(serverSide.mostUnsent).toBeLessThanOrEqual(mostUnsentFor(max))
      expect(flood.requests * SUBMIT_LENGTH).toBeLessThan(MORE_THAN_BUFFERS)

      // Others are served meanwhile, and nothing more is read of this one.
      const before = session.receivedBytes
      const other = await open()
      other.peer.send(submits(1, 1000))
      expect(await other.peer.receive(1000 * ACK_LENGTH)).toBe(submitAcks(1, 1000))
      expect(session.receivedBytes).toBe(before)
      expect(session.state).toBe('open')

      peer.read()
      await expectEveryAckOnce(peer, flood)
      expect(serverSide.mostUnsent).toBeLessThanOrEqual(mostUnsentFor(max))
      expect(server.counters.unanswered).toBe(0)
    },
  )

  test('has its acks kept whole while others use the same memory', async () => {
    const running: Running = await startServer({}, { writeTimeout: 0, maxWriteBuffer: 16 * 1024 })
    const first = await running.open({ reads: false })
    const second = await running.open({ reads: false })
    const floods = [await stall(first), await stall(second)]
    const third = await running.open()
    third.peer.send(submits(500, 1500))
    expect(await third.peer.receive(1001 * ACK_LENGTH)).toBe(submitAcks(500, 1500))
    for (const [i, { peer }] of [first, second].entries()) {
      const flood = floods[i]
      if (flood === undefined) throw new Error('no flood')
      peer.read()
      await expectEveryAckOnce(peer, flood)
    }
  })

  test('of async handlers: no more of them are started than may be in flight', async () => {
    const count = 20_000
    const maxInFlight = 64
    let started = 0
    let settled = 0
    let mostInFlight = 0
    const { server, open } = await startServer(
      {
        async onSubmit() {
          started += 1
          mostInFlight = Math.max(mostInFlight, started - settled)
          await new Promise((resolve) => setImmediate(resolve))
          settled += 1
        },
      },
      { maxInFlight, writeTimeout: 0, maxWriteBuffer: 8 * 1024 },
    )
    const { peer, session, serverSide } = await open()
    // As if the peer read nothing, without first filling the system's buffers.
    serverSide.hold()
    peer.send(manySubmits(0, count))
    await waitFor(
      () => serverSide.paused && serverSide.holds && session.inFlight === 0,
      () => 'for the server to have enough',
    )
    expect(started - server.counters.responsesSent).toBeLessThanOrEqual(maxInFlight)
    expect(started).toBeLessThan(1000)

    serverSide.release()
    const received = await peer.receive(count * ACK_LENGTH)
    expect(received === manySubmitAcks(0, count).toString('hex')).toBe(true)
    expect(mostInFlight).toBe(maxInFlight)
    expect(serverSide.mostUnsent).toBeLessThanOrEqual(8 * 1024)
  })

  testWithReset('that resets then is forgotten, and no other feels it', async () => {
    const { server, open, untilClosed } = await startServer({}, { writeTimeout: 0 })
    const stalled = await open({ reads: false })
    await stall(stalled)
    stalled.peer.reset()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-reset' }])
    expect(server.sessions.size).toBe(0)
    const other = await open()
    other.peer.send(submit(1))
    expect(await other.peer.receive(ACK_LENGTH)).toBe(submitAck(1))
  })

  test('that ends its side then gets every ack when it reads at last, and the FIN', async () => {
    const { open, untilClosed } = await startServer({}, { writeTimeout: 0 })
    const stalled = await open({ reads: false })
    const flood = await stall(stalled)
    stalled.peer.end()
    stalled.peer.read()
    await stalled.peer.receiveAll(15_000)
    await expectEveryAckOnce(stalled.peer, flood)
    expect(await untilClosed(1)).toMatchObject([{ reason: 'peer-closed', error: undefined }])
  })

  test('leaves memory flat, however many there are', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const used = () => {
      collectGarbage()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const { open } = await startServer({}, { writeTimeout: 0 })
    const before = used()
    const stalled: Connected[] = []
    for (let i = 0; i < 4; i++) {
      const connected = await open({ reads: false })
      await stall(connected)
      stalled.push(connected)
    }
    for (const { session, serverSide } of stalled) {
      expect(session.inFlight).toBe(0)
      expect(serverSide.unsentBytes).toBeLessThanOrEqual(1024 * 1024)
      expect(serverSide.bufferedBytes).toBeLessThanOrEqual(2 * 64 * 1024)
    }
    // For each: its unsent acks, a chunk or two, and the peer’s own 20,000 requests that wait to be sent.
    expect(used() - before).toBeLessThan(copiesOfUnsent * 4 * 1024 * 1024)
  })
})
