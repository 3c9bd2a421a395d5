import type { X509Certificate } from 'node:crypto'
import { show } from './show.ts'

/**
 * Where a session stands.
 *
 * | state       | bytes     | frames               | answers | moves on when                                      |
 * |-------------|-----------|----------------------|---------|----------------------------------------------------|
 * | `opening`   | a proxy's |                      |         | its header and TLS are through → open              |
 * |             | header,TLS|                      |         | they fail → closed                                 |
 * | `open`      | taken once| taken                | sent    | the peer ends, the server drains → finishing       |
 * |             | `onOpen`  |                      |         | an error, a limit, `close()` → answering           |
 * |             | settled   |                      |         |                                                    |
 * | `finishing` | left      | those received: taken| sent    | none is left → answering                           |
 * | `answering` | left      | left                 | sent    | nothing is in flight → lingering, our side is ended|
 * | `lingering` | discarded | left                 | all sent| the peer ends, the linger limit → closed           |
 * | `closed`    |           |                      |         |                                                    |
 *
 * Any of them goes to closed at once when the connection is lost.
 */
export type SessionState = 'opening' | 'open' | 'finishing' | 'answering' | 'lingering' | 'closed'

/** One connection, as its handlers see it. What it says stays readable in `onClose` and afterwards. */
export interface Session<Data = unknown> {
  /** A number that no other session of this server has. */
  readonly id: number
  /** The peer's address, behind a proxy the client's; undefined on a Unix socket. */
  readonly remoteAddress: string | undefined
  /** The peer's port, behind a proxy the client's; undefined on a Unix socket. */
  readonly remotePort: number | undefined
  /** The certificate that the client showed, where one was required. */
  readonly peerCertificate: X509Certificate | undefined
  readonly state: SessionState
  /** Whether a Conn has succeeded. */
  readonly authenticated: boolean
  /** Requests whose asynchronous handlers have not settled. */
  readonly inFlight: number
  /** Requests taken so far. */
  readonly requests: number
  /** Bytes received so far. */
  readonly receivedBytes: number
  /** Bytes of acks handed to the socket so far. */
  readonly sentBytes: number
  /**
   * The connection's signal. It aborts when the connection is gone, with a `ConnectionClosedError`; that a peer is gone
   * is only seen when the session is read, or written to. One request that fails or overran its time does not abort it:
   * each request has its own, in its context. It may have any number of listeners.
   */
  readonly signal: AbortSignal
  /** Whatever you want to keep with the session. */
  data: Data | undefined
  /** Takes no more requests, answers those in flight, and closes the connection as `handler-closed`. */
  close(): void
  /**
   * Closes the connection at once, as `destroyed`. What was received on it and not answered stays unanswered.
   *
   * @param reason what `onClose` gets as its error
   * @throws TypeError when the reason is no Error
   */
  destroy(reason?: Error): void
}

/** @throws TypeError when it is no Error */
export function checkDestroyReason(of: 'server' | 'session', reason: unknown): asserts reason is Error | undefined {
  if (reason === undefined || reason instanceof Error) return
  throw new TypeError(`${of}.destroy: the reason is ${show(reason)}; it must be an Error`)
}
