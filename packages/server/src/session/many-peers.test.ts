import type { Peer } from '@demo/testkit/peer'
import { waitFor } from '@demo/testkit/wait-for'
import { manySubmits, sortedAcks, submitAck } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import type { HandlerOutcome, ServerOptions } from '../index.ts'
import { startServer } from '../testing/harness.ts'

/** The same numbers for the same seed: a test that fails fails again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    // The constants of Numerical Recipes; the high bits are the random ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What a handler does with a request, by its serial number. */
function handle(serial: number): HandlerOutcome {
  switch (serial % 6) {
    case 0:
      return 0
    case 1:
      return new Promise((resolve) => setImmediate(() => resolve(0)))
    case 2:
      return Promise.resolve(1)
    case 3:
      return new Promise((resolve) => setTimeout(() => resolve(0), serial % 5))
    case 4:
      throw new Error('sync')
    default:
      return Promise.reject(new Error('async'))
  }
}

const resultOf = (serial: number) => ([0, 1, 3].includes(serial % 6) ? 0 : 1)

/** Sends requests cut anywhere, without waiting in between. */
function sendInPieces(peer: Peer, bytes: Buffer, random: (below: number) => number): void {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random(random(4) === 0 ? 2000 : 30)
    peer.send(bytes.subarray(at, at + length))
    at += length
  }
}

describe.each<[string, ServerOptions]>([
  ['the standard limits', {}],
  ['narrow limits', { maxInFlight: 3, maxWriteBuffer: 1024 }],
])('with %s', (_name, options) => {
  test('every peer that waits gets each of its answers once, whatever the others do', async () => {
    const random = randomNumbers(20_240_229)
    const { server, connect, closings } = await startServer({ onSubmit: ({ serial }) => handle(serial) }, options)
    const count = 300
    const peerCount = 40
    const expected = Array.from({ length: count }, (_, serial) => submitAck(serial, resultOf(serial))).sort()

    const peers = await Promise.all(Array.from({ length: peerCount }, () => connect()))
    const patient: Peer[] = []
    for (const peer of peers) {
      sendInPieces(peer, manySubmits(0, count), random)
      const behaviour = random(4)
      if (behaviour === 0) {
        const after = random(count) * 14
        void peer.receive(after).then(() => peer.reset())
      } else if (behaviour === 1) {
        peer.send('00000003')
        patient.push(peer)
      } else {
        peer.end()
        patient.push(peer)
      }
    }
    expect(patient.length).toBeGreaterThan(peerCount / 2)
    for (const peer of patient) expect(sortedAcks(await peer.receiveAll(15_000))).toEqual(expected)
    await waitFor(
      () => server.sessions.size === 0,
      () => `for all to be gone; there are ${server.sessions.size}`,
    )

    // The books balance.
    const { counters } = server
    const closed = Object.values(counters.connectionsClosed).reduce((sum, one) => sum + one, 0)
    expect(closed).toBe(peerCount)
    expect(closings).toHaveLength(peerCount)
    expect(new Set(closings.map(({ session }) => session.id)).size).toBe(peerCount)
    expect(counters.inFlight).toBe(0)
    expect(counters.requestsReceived).toBe(counters.responsesSent + counters.unanswered)
    expect(counters.responsesSent).toBe(counters.successes + counters.failures)
    expect(counters.sentBytes).toBe(counters.responsesSent * 14)
    const sessions = closings.map(({ session }) => session)
    expect(sessions.reduce((sum, { requests }) => sum + requests, 0)).toBe(counters.requestsReceived)
    expect(sessions.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)).toBe(counters.receivedBytes)
    expect(sessions.every(({ inFlight, state }) => state === 'closed' && inFlight >= 0)).toBe(true)
  })
})
