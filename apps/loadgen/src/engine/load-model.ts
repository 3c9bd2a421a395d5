import type { ConnectionSlot } from './connection-slot.ts'
import type { LoadStats } from './load-stats.ts'

/** How much may be sent from now on. */
export interface SendLimit {
  /** So many requests at most. */
  readonly amount: number
  /** Until then, in milliseconds on the monotonic clock; only the open model looks at it. */
  readonly until: number
}

/** When requests are sent: as soon as there is room (closed), or when they are due (open). */
export interface LoadModel {
  /** Sends from now on, and counts what it sends in `stats`. Called again where a warm-up becomes the load. */
  start(limit: SendLimit, stats: LoadStats, now: number): void
  /** A connection may have room for more requests. */
  onRoom(slot: ConnectionSlot): void
  /** A connection was lost. */
  onLost(slot: ConnectionSlot): void
  /** Sends no more than what is due by now. */
  stop(now: number): void
  close(): void
  /** Whether there is something to be sent, now or later. */
  readonly pending: boolean
  /** Requests of a limited amount that are not sent, or not due, yet. */
  readonly left: number
  /** Requests that are due and wait for room. */
  readonly waiting: number
  /** Whether there will be something to send on a connection that is made anew, if no other is lost. */
  needs(slot: ConnectionSlot): boolean
  /** Calls for each request that waits for room, with when it was due. */
  forEachWaiting(visit: (dueAt: number) => void): void
  /** Milliseconds in which it did nothing but look at the clock, since it was started last. */
  readonly idle: number
}
