import type { ConnectionSlot } from './connection-slot.ts'
import type { LoadStats } from './load-stats.ts'

/** How many requests may be sent, and until when. */
export interface SendLimit {
  /** The most requests. */
  readonly amount: number
  /** In milliseconds on the monotonic clock. Only the open model uses it. */
  readonly until: number
}

/** Decides when requests are sent: as soon as there is room (closed), or when they are due (open). */
export interface LoadModel {
  /** Starts sending. Requests are counted in `stats`. Called again when the load follows a warm-up. */
  start(limit: SendLimit, stats: LoadStats, now: number): void
  /** A connection may have room for more requests. */
  onRoom(slot: ConnectionSlot): void
  /** A connection was lost. */
  onLost(slot: ConnectionSlot): void
  /** Stops sending. Requests that are due by now are still sent. */
  stop(now: number): void
  close(): void
  /** Whether there are requests to send, now or later. */
  readonly pending: boolean
  /** Requests of a limited amount that are not sent (closed) or not due (open) yet. */
  readonly left: number
  /** Requests that are due and wait for room. */
  readonly waiting: number
  /** Whether a connection would have requests to send if it were renewed, and no other is lost. */
  needs(slot: ConnectionSlot): boolean
  /** Visits each request that waits for room, with its due time. */
  forEachWaiting(visit: (dueAt: number) => void): void
  /** Milliseconds spent only on checking the clock, since the last start. */
  readonly idle: number
}
