import { CLOSE_REASONS, type CloseReason } from '../api/close-reason.ts'

/**
 * What a server has done since it was made, as plain numbers. All but `inFlight` only grow. Counting is the whole cost of
 * observation: read them at a scrape, for example. They are increased once a read or a flush, not once a packet.
 */
export interface ServerCounters {
  /** Connections accepted, including those closed at once as too many. */
  readonly connectionsOpened: number
  /** Connections closed, by reason. `connectionsOpened` minus their sum is the number of open connections. */
  readonly connectionsClosed: Readonly<Record<CloseReason, number>>
  /** Requests taken: Conn and Submit; in a user's protocol all messages, including one-way messages. */
  readonly requestsReceived: number
  /** Responses written to a socket: ConnAck and SubmitAck; in a user's protocol replies, without what `send()` sent. */
  readonly responsesSent: number
  /** Responses written to a socket that report success: result 0, or a reply of `onMessage`. */
  readonly successes: number
  /** Responses written to a socket that report failure: result 1, or a `failureReply`. */
  readonly failures: number
  /** Requests taken and not answered when their connection was lost, or closed as `handler-failed`. */
  readonly unanswered: number
  /** Bytes read from sockets. */
  readonly receivedBytes: number
  /** Bytes written to sockets. */
  readonly sentBytes: number
  /** Asynchronous handlers that have not settled. */
  readonly inFlight: number
}

/** The counters as the server writes them. */
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
