import { CLOSE_REASONS, type CloseReason } from '../api/close-reason.ts'

/**
 * What a server has done since it was made, as plain numbers that only grow (but `inFlight`). They are the whole cost
 * of being observed: read them when you want to know, at a scrape, say. They grow once a read or a flush, not once a
 * packet.
 */
export interface ServerCounters {
  /** Connections accepted, those closed at once as too many included. */
  readonly connectionsOpened: number
  /** Connections closed, by reason. Opened less the sum of these is what is connected now. */
  readonly connectionsClosed: Readonly<Record<CloseReason, number>>
  /** Requests taken: Conn and Submit; of a user's protocol all messages, one-way messages too. */
  readonly requestsReceived: number
  /** Responses handed to a socket: ConnAck and SubmitAck; of a user's protocol replies, and not what `send()` sent. */
  readonly responsesSent: number
  /** Responses handed to a socket that say success: result 0, or a reply of `onMessage`. */
  readonly successes: number
  /** Responses handed to a socket that say failure: result 1, or a `failureReply`. */
  readonly failures: number
  /** Requests taken that had no answer when their connection was lost, or closed as `handler-failed`. */
  readonly unanswered: number
  /** Bytes read from sockets. */
  readonly receivedBytes: number
  /** Bytes handed to sockets. */
  readonly sentBytes: number
  /** Asynchronous handlers that have not settled yet. */
  readonly inFlight: number
}

/** The same, to be counted up. */
export type MutableCounters = {
  -readonly [name in keyof Omit<ServerCounters, 'connectionsClosed'>]: number
} & { readonly connectionsClosed: Record<CloseReason, number> }

export function createCounters(): MutableCounters {
  return {
    connectionsOpened: 0,
    connectionsClosed: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<CloseReason, number>,
    requestsReceived: 0,
    responsesSent: 0,
    successes: 0,
    failures: 0,
    unanswered: 0,
    receivedBytes: 0,
    sentBytes: 0,
    inFlight: 0,
  }
}
