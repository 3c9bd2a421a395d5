import type { X509Certificate } from 'node:crypto'

/**
 * Where a session stands.
 *
 * | state       | bytes     | frames               | answers | moves on when                                      |
 * |-------------|-----------|----------------------|---------|----------------------------------------------------|
 * | `opening`   | a proxy's |                      |         | its header and TLS are through → open              |
 * |             | header,TLS|                      |         | they fail → closed                                 |
 * | `open`      | taken     | taken                | sent    | the peer ends, the server drains → finishing       |
 * |             |           |                      |         | an error, a limit, `close()` → answering           |
 * | `finishing` | left      | those received: taken| sent    | none is left → answering                           |
 * | `answering` | left      | left                 | sent    | nothing is in flight → lingering, our side is ended|
 * | `lingering` | discarded | left                 | all sent| the peer ends, the linger limit → closed           |
 * | `closed`    |           |                      |         |                                                    |
 *
 * Any of them goes to closed at once when the connection is lost.
 */
export type SessionState = 'opening' | 'open' | 'finishing' | 'answering' | 'lingering' | 'closed'

/** One connection, as its handlers see it. */
export interface Session<Data = unknown> {
  /** A number that no other session of this server has. */
  readonly id: number
  /**
   * The peer's address, behind a proxy the client's; undefined on a Unix socket. An address has one spelling: IPv6 as
   * `2001:db8::1`, and IPv4 as `192.0.2.1`, also on a socket of IPv6.
   */
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
   * Aborts when the connection is gone (that of a session that is not read for a while, when it is read or written to
   * again), and when a handler of this session overran `handlerTimeout`: whatever the
   * session was doing is to stop then, and a handler that asks afterwards gets a fresh signal.
   */
  readonly signal: AbortSignal
  /** Whatever you want to keep with the session. */
  data: Data | undefined
  /** Takes no more requests, answers those in flight, and closes the connection as `handler-closed`. */
  close(): void
}
