import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@demo/testkit/random'
import { filler, submit } from '@demo/testkit/wire'
import { dial } from './dial.ts'
import type { Fault } from './faults.ts'

const ACK_LENGTH = 14

/** The most requests of one write. */
const MOST = 1000

/** The payload of a request, in bytes, as in the benchmarks. */
const PAYLOAD = 25

const REQUEST = Buffer.from(submit(1, filler(PAYLOAD)), 'hex')
const REQUESTS = Buffer.concat(Array.from({ length: MOST }, () => REQUEST))

/** A connection that only counts. All requests are the same, so the attacker costs as little as possible. */
export class SoakConnection {
  /** Requests sent. */
  sent = 0
  /** Whether it has committed a fault. */
  faulty = false
  /** Whether it has ended without a fault. */
  lost = false
  readonly #socket: Socket
  readonly #closed: Promise<true>
  #receivedBytes = 0
  #refill = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve(true)))
    socket.on('error', () => {})
    socket.on('end', () => this.#gone())
    socket.on('close', () => this.#gone())
    socket.on('data', (chunk) => {
      this.#receivedBytes += chunk.length
      if (this.#refill > 0) this.send(this.#refill - this.unanswered)
    })
  }

  static async open(port: number): Promise<SoakConnection> {
    return new SoakConnection(await dial({ port }))
  }

  get answered(): number {
    return Math.floor(this.#receivedBytes / ACK_LENGTH)
  }

  get unanswered(): number {
    return this.sent - this.answered
  }

  /** Sends this many requests in one write. */
  send(count: number): void {
    this.sent += count
    this.#socket.write(REQUESTS.subarray(0, count * REQUEST.length))
  }

  /** Keeps this many requests in flight from now on. */
  keepBusy(window: number): void {
    this.#refill = window
    this.send(window)
  }

  /** Commits a fault, and returns whether the server closed the connection in time. */
  async becomeFaulty(fault: Fault, random: Random, patience: number): Promise<boolean> {
    this.faulty = true
    fault(this.#socket, random)
    const gone = await Promise.race([this.#closed, sleep(patience, false, { ref: false })])
    this.#socket.destroy()
    return gone
  }

  destroy(): void {
    this.faulty = true
    this.#socket.destroy()
  }

  #gone(): void {
    this.lost = !this.faulty
  }
}
