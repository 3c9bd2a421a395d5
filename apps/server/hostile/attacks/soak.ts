/** Load at a steady rate for any time, with some faults. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '@demo/testkit/random'
import { FAULTS } from './faults.ts'
import { SoakConnection } from './soak-connection.ts'

/** How many requests one write has. */
const WRITE = 1000

const TICK = 5

/** The most requests in flight on one connection. A connection with more is skipped. */
const WINDOW = 4 * WRITE

/** A faulty connection that is open for longer hangs, in milliseconds: a frame may take 15 seconds. */
const PATIENCE = 20_000

export interface SoakOptions {
  readonly port: number
  readonly connections: number
  /** Requests a second. */
  readonly rate: number
  readonly duration: number
  /** The share of writes that are a fault. The connection is replaced after it. */
  readonly faults: number
  readonly seed: number
}

export interface SoakResult {
  readonly requests: number
  /** Requests on connections without a fault that were not answered. */
  readonly unanswered: number
  /** Connections without a fault that were lost, or not made. */
  readonly lost: number
  readonly faults: number
  /** Faulty connections that the server did not close. */
  readonly hung: number
}

/** The highest rate of answers that both sides reach together, in requests a second. */
export async function capacity(port: number, count: number, duration: number): Promise<number> {
  const connections = await Promise.all(Array.from({ length: count }, () => SoakConnection.open(port)))
  for (const connection of connections) connection.keepBusy(WRITE)
  await sleep(500)
  const answered = () => connections.reduce((sum, connection) => sum + connection.answered, 0)
  const [before, start] = [answered(), performance.now()]
  await sleep(duration)
  const rate = ((answered() - before) * 1000) / (performance.now() - start)
  for (const connection of connections) connection.destroy()
  return rate
}

export async function soak({
  port,
  connections: count,
  rate,
  duration,
  faults,
  seed,
}: SoakOptions): Promise<SoakResult> {
  const random = new Random(seed)
  const connections = await Promise.all(Array.from({ length: count }, () => SoakConnection.open(port)))
  const faulty: Promise<boolean>[] = []
  let finished = { requests: 0, unanswered: 0, lost: 0 }
  let due = 0
  let at = 0

  const replace = async (index: number) => {
    try {
      const fresh = await SoakConnection.open(port)
      connections[index] = fresh
    } catch {
      finished = { ...finished, lost: finished.lost + 1 }
    }
  }

  const start = performance.now()
  let paidFor = start
  while (performance.now() - start < duration) {
    await sleep(TICK)
    const now = performance.now()
    due = Math.min(due + ((now - paidFor) / 1000) * rate, count * WINDOW)
    paidFor = now
    for (let passedOver = 0; due >= WRITE && passedOver < count; at = (at + 1) % count) {
      const connection = connections[at]
      if (connection === undefined || connection.faulty || connection.unanswered > WINDOW - WRITE) {
        passedOver += 1
        continue
      }
      due -= WRITE
      if (random.next() >= faults) connection.send(WRITE)
      else {
        faulty.push(connection.becomeFaulty(random.pick(FAULTS), random, PATIENCE))
        finished = { ...finished, requests: finished.requests + connection.sent }
        void replace(at)
      }
    }
  }

  const good = connections.filter(({ faulty }) => !faulty)
  const deadline = performance.now() + PATIENCE
  while (good.some(({ unanswered, lost }) => unanswered > 0 && !lost) && performance.now() < deadline) await sleep(TICK)
  const gone = await Promise.all(faulty)
  const sum = (of: (connection: SoakConnection) => number) => good.reduce((total, one) => total + of(one), 0)
  const result = {
    requests: finished.requests + sum(({ sent }) => sent),
    unanswered: sum(({ unanswered }) => unanswered),
    lost: finished.lost + sum(({ lost }) => (lost ? 1 : 0)),
    faults: faulty.length,
    hung: gone.filter((isGone) => !isGone).length,
  }
  for (const connection of connections) connection.destroy()
  return result
}
