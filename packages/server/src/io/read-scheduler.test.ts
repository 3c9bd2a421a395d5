import { setImmediate as turn } from 'node:timers/promises'
import { waitFor } from '@demo/testkit/wait-for'
import { manySubmitAcks, manySubmits, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startServer } from '../testing/harness.ts'
import { ReadScheduler, type Scheduled } from './read-scheduler.ts'

/** Longer than the slice of a turn. */
const LONG = 3

/** Keeps the processor busy, in milliseconds. */
function burn(duration: number): void {
  const end = performance.now() + duration
  while (performance.now() < end);
}

/** A clock that stands still but for what is said to have taken time. */
function stoppedClock(): (duration: number) => void {
  let now = 1000
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(() => clock.mockRestore())
  return (duration) => {
    now += duration
  }
}

/** Waits until the server knows of so many: the system connects a peer before. */
function allAccepted(opened: readonly unknown[], count: number): Promise<void> {
  return waitFor(
    () => opened.length === count,
    () => `for ${count} to be accepted; there are ${opened.length}`,
  )
}

/** A session that notes what is asked of it. */
function session(name: string, notes: string[], work: () => void = () => {}): Scheduled {
  return {
    work() {
      notes.push(name)
      work()
    },
    resumeReading() {
      notes.push(`${name} reads`)
    },
  }
}

describe('who is woken', () => {
  it('works in the same turn, all together, where it is quickly done', async () => {
    stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    for (const name of ['a', 'b', 'c']) scheduler.wake(session(name, notes))
    expect(notes).toEqual([])
    await turn()
    expect(notes).toEqual(['a', 'b', 'c'])
  })

  it('works once, however often it is woken', async () => {
    stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    const once = session('once', notes)
    scheduler.wake(once)
    scheduler.wake(once)
    await turn()
    expect(notes).toEqual(['once'])
  })

  it('waits for the next turn behind somebody who takes long, and comes first then', async () => {
    const take = stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    const long = session('long', notes, () => {
      take(LONG)
      if (notes.length < 3) scheduler.wake(long)
    })
    scheduler.wake(long)
    scheduler.wake(session('short', notes))
    await turn()
    expect(notes).toEqual(['long'])
    await turn()
    expect(notes).toEqual(['long', 'short', 'long'])
  })
})

describe('large work', () => {
  it('may be done until a slice of the turn is over; what comes then is woken later', async () => {
    const take = stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    expect(scheduler.admit(session('first', notes))).toBe(true)
    take(LONG)
    expect(scheduler.admit(session('second', notes))).toBe(false)
    await turn()
    expect(notes[0]).toBe('second')
    expect(scheduler.admit(session('third', notes))).toBe(true)
  })

  it('is read one at a time where it takes long, those who have waited longest first', async () => {
    const take = stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    for (const name of ['a', 'b', 'c']) {
      scheduler.admit(session(name, notes))
      take(LONG)
    }
    await turn()
    expect(notes, 'what there was no time for comes first').toEqual(['b', 'c', 'a reads'])
    await turn()
    expect(notes.slice(3)).toEqual(['b reads'])
    await turn()
    expect(notes.slice(3)).toEqual(['b reads', 'c reads'])
  })

  it('is read one at a time, though others have work in every turn', async () => {
    const take = stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    const busy = session('busy', notes, () => {
      take(LONG)
      scheduler.wake(busy)
    })
    const busier = session('busier', notes, () => {
      take(LONG)
      scheduler.wake(busier)
    })
    scheduler.wake(busy)
    scheduler.wake(busier)
    for (const name of ['a', 'b']) scheduler.admit(session(name, notes))
    await turn()
    expect(notes.slice(-1)).toEqual(['a reads'])
    await turn()
    expect(notes.slice(-1)).toEqual(['b reads'])
  })

  it('is not read again while it waits for its turn', async () => {
    const take = stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    scheduler.admit(session('first', notes))
    take(LONG)
    const late = ['a', 'b'].map((name) => session(name, notes, () => take(LONG)))
    for (const one of late) expect(scheduler.admit(one)).toBe(false)
    await turn()
    expect(notes).toEqual(['a', 'first reads'])
    await turn()
    expect(notes.slice(2)).toEqual(['b', 'a reads'])
    await turn()
    expect(notes.slice(4)).toEqual(['b reads'])
  })

  it('is read several at a time where it is quickly done, and all are read at last', async () => {
    const take = stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    // What a chunk costs is learnt from turn to turn.
    for (let i = 0; i < 30; i++) {
      scheduler.admit(session('quick', notes))
      take(0.3)
      await turn()
    }
    notes.length = 0
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) {
      scheduler.admit(session(name, notes))
      take(0.3)
    }
    await turn()
    expect(notes).toEqual(['e', 'a reads', 'b reads', 'c reads'])
    await turn()
    expect(notes.slice(4)).toEqual(['d reads', 'e reads'])
  })
})

describe('a turn of one’s own', () => {
  it('is given to one in each turn, first come first served', async () => {
    stoppedClock()
    const scheduler = new ReadScheduler()
    const given: string[] = []
    for (const name of ['a', 'b', 'c']) scheduler.nextSlot().then(() => given.push(name))
    for (let i = 1; i <= 3; i++) {
      await turn()
      expect(given).toEqual(['a', 'b', 'c'].slice(0, i))
    }
  })

  it('keeps nobody waiting who has answers to send', async () => {
    stoppedClock()
    const scheduler = new ReadScheduler()
    const notes: string[] = []
    for (const name of ['a', 'b']) scheduler.nextSlot().then(() => notes.push(name))
    scheduler.wake(session('settled', notes))
    await turn()
    expect(notes).toEqual(['settled', 'a'])
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
