import type { MutableCounters } from './counters.ts'
import type { Connection } from './transport/connection.ts'
import type { Turns, Worker } from './turns.ts'

/**
 * From so many bytes on a chunk may have to wait, so that those who pipeline much do not hold up those who ask for
 * little.
 */
const LARGE_CHUNK = 16 * 1024

/** Below so many bytes a chunk is one of many pieces of a frame, if no request ends in it. */
const TINY_CHUNK = 64

/** After so many of them in one frame the socket is read less often. */
const DRIPS_BEFORE_REST = 16

/** How long tiny pieces are left to gather in the system then, in milliseconds. */
const DRIP_REST = 5

/** What an {@link Inbound} needs of its server. */
export interface InboundContext {
  readonly turns: Pick<Turns, 'rest' | 'wake'>
  readonly counters: MutableCounters
}

/** The way in of one session, and the only place that decides whether its connection is read. */
export class Inbound {
  readonly #connection: Connection
  readonly #context: InboundContext
  readonly #worker: Worker
  /** Bytes received so far. */
  receivedBytes = 0
  /** The session can take no more for now. */
  #paused = false
  /** It could, and lets others go first, or small pieces gather. */
  #rests: 'for others' | 'for more' | undefined
  /** Tiny chunks since the last request was taken, and how many had been taken then. */
  #drips = 0
  #requestsAtDrip = 0

  /** @param worker who is told to read on, and to work, when it is its turn */
  constructor(connection: Connection, context: InboundContext, worker: Worker) {
    this.#connection = connection
    this.#context = context
    this.#worker = worker
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether there may be something to read, or to work on, for which it is not its turn. */
  get waitsForTurn(): boolean {
    return this.#rests === 'for others'
  }

  /** Bytes have come. */
  count(length: number): void {
    this.receivedBytes += length
    this.#context.counters.receivedBytes += length
  }

  /**
   * Whether there is time in this turn of the event loop for a chunk that has come; if not, the worker is woken later.
   *
   * @param requestsTaken how many requests the session has taken so far
   */
  hasTurn(chunk: Uint8Array, requestsTaken: number): boolean {
    // To be paused and resumed within one turn may leave Node reading.
    if (this.#paused || this.#rests !== undefined) this.#connection.pause()
    if (chunk.length < TINY_CHUNK) this.#watchForDrips(requestsTaken)
    if (chunk.length < LARGE_CHUNK) return true
    // Another one is not read before all others had their turn.
    this.#rest('for others')
    return this.#context.turns.rest(this.#worker)
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#connection.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#rests === undefined) this.#connection.resume()
  }

  /** Reads on after a rest. */
  readOn(): void {
    if (this.#rests === undefined) return
    this.#rests = undefined
    if (!this.#paused) this.#connection.resume()
  }

  #rest(why: 'for others' | 'for more'): void {
    if (this.#rests === undefined) this.#connection.pause()
    this.#rests = why
  }

  /** Who sends one frame in many tiny pieces is read less often: each piece costs as much as a large chunk. */
  #watchForDrips(requestsTaken: number): void {
    if (requestsTaken !== this.#requestsAtDrip) {
      this.#requestsAtDrip = requestsTaken
      this.#drips = 0
      return
    }
    this.#drips += 1
    if (this.#drips < DRIPS_BEFORE_REST) return
    this.#rest('for more')
    setTimeout(() => this.#worker.readOn(), DRIP_REST).unref()
  }
}
