import type { MutableCounters } from '../observability/counters.ts'
import type { Connection } from '../transport/connection.ts'
import type { ReadScheduler, Scheduled } from './read-scheduler.ts'

/** Chunks this large, in bytes, may be deferred, so that heavy pipeliners do not starve other peers. */
const LARGE_CHUNK = 16 * 1024

/** A chunk below this length, in bytes, in which no request ends counts as a tiny piece of a frame. */
const TINY_CHUNK = 64

/** After this many tiny pieces of one frame the connection is read less often. */
const DRIPS_BEFORE_PAUSE = 16

/** How long the system then gathers tiny pieces before the next read, in milliseconds. */
const DRIP_PAUSE = 5

/** What an {@link Inbound} needs of its server. */
export interface InboundContext {
  readonly scheduler: Pick<ReadScheduler, 'admit' | 'wake'>
  readonly counters: MutableCounters
}

/** Decides whether the connection of one session is read. Nothing else pauses or resumes it. */
export class Inbound {
  readonly #connection: Connection
  readonly #context: InboundContext
  readonly #session: Scheduled
  /** Bytes received so far. */
  receivedBytes = 0
  /** The session cannot take more requests now. */
  #paused = false
  /** Why a session that could take more is not read: others go first (`deferred`), or tiny pieces gather (`gathering`). */
  #held: 'deferred' | 'gathering' | undefined
  /** Tiny chunks since the last request was taken, and how many requests were taken by then. */
  #drips = 0
  #requestsAtDrip = 0

  /** @param session is resumed and woken when there is time for it */
  constructor(connection: Connection, context: InboundContext, session: Scheduled) {
    this.#connection = connection
    this.#context = context
    this.#session = session
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether the session waits until other sessions had their turn. */
  get deferred(): boolean {
    return this.#held === 'deferred'
  }

  /**
   * Decides whether there is time now to handle a chunk that was read. If not, the session is woken later.
   *
   * @param length of the chunk, in bytes
   * @param requestsTaken how many requests the session took so far
   */
  admit(length: number, requestsTaken: number): boolean {
    // Node may go on reading when it is paused and resumed within one turn.
    if (this.#paused || this.#held !== undefined) this.#connection.pause()
    if (length < TINY_CHUNK) this.#watchForDrips(requestsTaken)
    if (length < LARGE_CHUNK) return true
    // The next chunk is read after all other sessions had their turn.
    this.#hold('deferred')
    return this.#context.scheduler.admit(this.#session)
  }

  /** Counts bytes that were read. */
  count(length: number): void {
    this.receivedBytes += length
    this.#context.counters.receivedBytes += length
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#connection.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#held === undefined) this.#connection.resume()
  }

  /** Reads again after {@link admit} stopped it. */
  release(): void {
    if (this.#held === undefined) return
    this.#held = undefined
    if (!this.#paused) this.#connection.resume()
  }

  #hold(why: 'deferred' | 'gathering'): void {
    if (this.#held === undefined) this.#connection.pause()
    this.#held = why
  }

  /** A peer that sends one frame in many tiny pieces is read less often: each piece costs as much as a large chunk. */
  #watchForDrips(requestsTaken: number): void {
    if (requestsTaken !== this.#requestsAtDrip) {
      this.#requestsAtDrip = requestsTaken
      this.#drips = 0
      return
    }
    this.#drips += 1
    if (this.#drips < DRIPS_BEFORE_PAUSE) return
    this.#hold('gathering')
    setTimeout(() => this.#session.resumeReading(), DRIP_PAUSE).unref()
  }
}
