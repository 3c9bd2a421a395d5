import type { X509Certificate } from 'node:crypto'

/** The states of a session. Their order is in session/session-state.ts. */
export type SessionState = 'opening' | 'open' | 'finishing' | 'answering' | 'lingering' | 'closed'

/** One connection, as its handlers see it. Its ID, addresses and certificate stay readable in `onClose` and later. */
export interface Session<Data = unknown> {
  /** A number that no other session of this server has. */
  readonly id: number
  /**
   * The peer's address, behind a proxy the client's; undefined on a Unix socket. Addresses are normalized: IPv6 as
   * `2001:db8::1`, and IPv4 as `192.0.2.1`, also on an IPv6 socket.
   */
  readonly remoteAddress: string | undefined
  /** The peer's port, behind a proxy the client's; undefined on a Unix socket. */
  readonly remotePort: number | undefined
  /** The client's certificate, if the server required one. */
  readonly peerCertificate: X509Certificate | undefined
  readonly state: SessionState
  /** Whether a Conn has succeeded. */
  readonly authenticated: boolean
  /** How many requests have asynchronous handlers that have not settled. */
  readonly inFlight: number
  /** How many requests were taken so far. */
  readonly requests: number
  /** Bytes received so far. */
  readonly receivedBytes: number
  /** Bytes written to the connection so far. */
  readonly sentBytes: number
  /**
   * The connection's signal. It aborts with a `ConnectionClosedError` when the connection is closed. A lost peer is noticed
   * only when the session is read or written. A request that fails or overruns its time does not abort it: each request has
   * its own signal, in its context. It may have any number of listeners.
   */
  readonly signal: AbortSignal
  /** Your own data for this session. */
  data: Data | undefined
  /** Stops taking requests, answers those in flight, and closes the connection as `handler-closed`. */
  close(): void
  /**
   * Closes the connection at once, as `destroyed`. Requests in flight are not answered, and their signals abort.
   *
   * @param reason `onClose` gets it as its error
   * @throws TypeError when the reason is not an Error
   */
  destroy(reason?: Error): void
}

/** A session of a user's protocol. It can also send messages that are not replies. */
export interface MessageSession<Data = unknown, Outgoing = unknown> extends Session<Data> {
  /**
   * Sends a message that is not a reply. It is written later in this turn of the event loop: after earlier messages, and
   * before the replies that handlers return later. During an asynchronous `onOpen` it waits until `onOpen` has settled.
   *
   * @returns whether the peer keeps up. If false, wait for {@link drained} before you send the next message
   * @throws ConnectionClosedError when the session is closed, or is about to be
   * @throws WriteBufferFullError when more than `maxWriteBuffer` would be unsent
   * @throws CodecError when the message cannot be encoded. In each case the message was not sent, and the session goes on
   */
  send(message: Outgoing): boolean

  /** Resolves when the peer keeps up again, like Node's event `'drain'`, or when the connection is closed. */
  drained(): Promise<void>
}
