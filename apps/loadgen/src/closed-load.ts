import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AnsweredRun,
  type ClientError,
  createPayload,
  createWords,
  type LoadConnection,
  openLoadConnection,
} from '@demo/client-sim'
import { LatencyRecorder } from './latency.ts'
import type { RunOptions } from './run.ts'

const CONNECTS_AT_ONCE = 256
const STALL_POLL = 20

/** What is counted of the requests that were sent since the counting began. */
class Tally {
  requests = 0
  acks = 0
  failedAcks = 0
  /** Answers that came since the counting began, whenever their requests were sent. */
  acksArrived = 0
  /** When the counting began, in milliseconds on the monotonic clock. */
  readonly since: number
  readonly latencies = new LatencyRecorder()
  slice = new LatencyRecorder()

  constructor(since: number) {
    this.since = since
  }

  answered({ sentAt, answeredAt, count, succeeded }: Readonly<AnsweredRun>): void {
    this.acksArrived += count
    if (sentAt < this.since) return
    this.acks += count
    if (!succeeded) this.failedAcks += count
    this.latencies.record(answeredAt - sentAt, count)
    this.slice.record(answeredAt - sentAt, count)
  }
}

/** The closed model of load: each connection has its window full, and sends one request for each that is answered. */
export class ClosedLoad {
  tally = new Tally(performance.now())
  /** What connections were lost to. */
  readonly errors: ClientError[] = []
  readonly #options: RunOptions
  readonly #connections = new Set<LoadConnection>()
  /** Requests that may still be sent. */
  #left = 0
  #mismatched = 0
  #ending = false
  #whenIdle: (() => void) | undefined

  constructor(options: RunOptions) {
    this.#options = options
  }

  /** @throws ClientError when a connection can't be made */
  async connect(): Promise<void> {
    const { connections } = this.#options
    for (let left = connections; left > 0; left -= CONNECTS_AT_ONCE) {
      const opening = Array.from({ length: Math.min(left, CONNECTS_AT_ONCE) }, () => this.#open())
      await Promise.allSettled(opening)
      await Promise.all(opening)
    }
  }

  get inFlight(): number {
    let inFlight = 0
    for (const connection of this.#connections) inFlight += connection.inFlight
    return inFlight
  }

  /** Answers to no request that waited. */
  get mismatched(): number {
    let mismatched = this.#mismatched
    for (const connection of this.#connections) mismatched += connection.mismatched
    return mismatched
  }

  /** Counts anew, and sends at most so many requests from now on. */
  start(most: number): void {
    this.tally = new Tally(performance.now())
    this.#left = most
    for (const connection of this.#connections) this.#fill(connection)
  }

  /** Sends no more. */
  stop(): void {
    this.#left = 0
  }

  /** Settles when all that may be sent was sent and answered, or nobody is left to send it. */
  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }

  /** Settles when requests are in flight and none was answered for so long, in milliseconds; or when the load ended. */
  async stalled(timeout: number): Promise<void> {
    let arrived = -1
    let since = performance.now()
    while (!this.#ending) {
      if (this.tally.acksArrived !== arrived) since = performance.now()
      arrived = this.tally.acksArrived
      if (this.inFlight > 0 && performance.now() - since >= timeout) return
      await sleep(STALL_POLL)
    }
  }

  end(): void {
    this.#ending = true
    for (const connection of this.#connections) connection.destroy()
  }

  async #open(): Promise<void> {
    const { host, port, dialect, window, payloadSize, timeout } = this.#options
    const payload = createPayload(payloadSize, createWords(1))
    const connection = await openLoadConnection(
      { host, port, dialect, window, payload, timeout },
      {
        answered: (run) => this.tally.answered(run),
        room: (one) => this.#room(one),
        closed: (one, error) => this.#closed(one, error),
      },
    )
    this.#connections.add(connection)
  }

  #fill(connection: LoadConnection): void {
    const before = connection.sent
    connection.send(this.#left)
    const sent = connection.sent - before
    this.#left -= sent
    this.tally.requests += sent
  }

  #room(connection: LoadConnection): void {
    if (this.#left > 0) this.#fill(connection)
    else if (this.#isIdle()) this.#whenIdle?.()
  }

  #isIdle(): boolean {
    if (this.#connections.size === 0) return true
    return this.#left === 0 && this.inFlight === 0
  }

  #closed(connection: LoadConnection, error: ClientError | undefined): void {
    this.#connections.delete(connection)
    this.#mismatched += connection.mismatched
    if (error !== undefined && !this.#ending) this.errors.push(error)
    if (this.#isIdle()) this.#whenIdle?.()
  }
}
