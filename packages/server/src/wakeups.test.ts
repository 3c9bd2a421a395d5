import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startServer } from './testing/harness.ts'
import { waitFor } from './testing/wait-for.ts'
import { manySubmitAcks, manySubmits, submit, submitAck } from './testing/wire.ts'
import { Wakeups } from './wakeups.ts'

/** Longer than the slice of a turn. */
const LONG = 3

/** Keeps the processor busy, in milliseconds. */
function burn(duration: number): void {
  const end = performance.now() + duration
  while (performance.now() < end);
}

/** Waits until the server knows of so many: the system connects a peer before. */
function allAccepted(opened: readonly unknown[], count: number): Promise<void> {
  return waitFor(
    () => opened.length === count,
    () => `for ${count} to be accepted; there are ${opened.length}`,
  )
}

describe('who is woken', () => {
  it('works in the same turn, all together, where it is quickly done', async () => {
    const wakeups = new Wakeups()
    const worked: number[] = []
    for (const i of [1, 2, 3]) wakeups.add({ work: () => worked.push(i) })
    expect(worked).toEqual([])
    await turn()
    expect(worked).toEqual([1, 2, 3])
  })

  it('works once, however often it is woken', async () => {
    const wakeups = new Wakeups()
    let times = 0
    const worker = {
      work() {
        times += 1
      },
    }
    wakeups.add(worker)
    wakeups.add(worker)
    await turn()
    expect(times).toBe(1)
  })

  it('waits for the next turn behind somebody who takes long, and comes first then', async () => {
    const wakeups = new Wakeups()
    const worked: string[] = []
    const long = {
      work() {
        worked.push('long')
        burn(LONG)
        if (worked.length < 3) wakeups.add(long)
      },
    }
    wakeups.add(long)
    wakeups.add({ work: () => worked.push('short') })
    await turn()
    expect(worked).toEqual(['long'])
    await turn()
    expect(worked).toEqual(['long', 'short', 'long'])
  })
})

describe('large work', () => {
  it('may begin until a slice of the turn is over, and again in the next turn', async () => {
    const wakeups = new Wakeups()
    expect(wakeups.hasTime).toBe(true)
    burn(LONG)
    expect(wakeups.hasTime).toBe(false)
    await turn()
    expect(wakeups.hasTime).toBe(true)
  })
})

describe('a server whose peers pipeline more than it can do at once', () => {
  const PEERS = 8
  const REQUESTS = 3000

  it('answers each request once, in order, and somebody who wants little in between', async () => {
    const done: string[] = []
    const { connect, opened } = await startServer({
      onSubmit(request) {
        done.push(request.id)
        if (done.length % 100 === 0) burn(0.2)
      },
    })
    const peers = await Promise.all(Array.from({ length: PEERS }, () => connect()))
    const little = await connect()
    await allAccepted(opened, PEERS + 1)
    for (const peer of peers) peer.send(manySubmits(1, REQUESTS))
    little.send(submit(99_999_999))
    expect(await little.receive(14)).toBe(submitAck(99_999_999))
    for (const peer of peers) {
      await peer.receive(REQUESTS * 14)
      expect(peer.receivedBytes.equals(manySubmitAcks(1, REQUESTS))).toBe(true)
    }
    expect(done).toHaveLength(PEERS * REQUESTS + 1)
    expect(done.indexOf('99999999'), 'it did not wait for all of them').toBeLessThan((PEERS * REQUESTS) / 2)
  })

  it('answers what waited for its turn when it drains, and when its peers end', async () => {
    const { server, connect, opened } = await startServer({
      onSubmit(request) {
        if (request.id.endsWith('00')) burn(0.2)
      },
    })
    const peers = await Promise.all(Array.from({ length: PEERS }, () => connect()))
    await allAccepted(opened, PEERS)
    for (const [i, peer] of peers.entries()) {
      if (i % 2 === 0) peer.end(manySubmits(1, REQUESTS))
      else peer.send(manySubmits(1, REQUESTS))
    }
    await peers[1]?.receive(14)
    const { unanswered, cutOff } = await server.close()
    expect({ unanswered, cutOff }).toEqual({ unanswered: 0, cutOff: 0 })
    const answers = await Promise.all(peers.map(async (peer) => (await peer.receiveAll()).length / 28))
    expect(answers.reduce((sum, count) => sum + count, 0)).toBe(opened.reduce((sum, { requests }) => sum + requests, 0))
  })
})
