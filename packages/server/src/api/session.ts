import type { X509Certificate } from 'node:crypto'

/** Where a session stands: the table is in session/session-state.ts. */
export type SessionState = 'opening' | 'open' | 'finishing' | 'answering' | 'lingering' | 'closed'

/** One connection, as its handlers see it. What identifies it stays readable in `onClose` and after. */
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
  /** Bytes handed to the connection so far. */
  readonly sentBytes: number
  /**
   * The connection's signal. It aborts when the connection is gone, with a `ConnectionClosedError`; that a peer is gone is
   * only seen when the session is read, or written to. One request that fails or overran its time does not abort it: each
   * request has its own, in its context. It may have any number of listeners.
   */
  readonly signal: AbortSignal
  /** Whatever you want to keep with the session. */
  data: Data | undefined
  /** Takes no more requests, answers those in flight, and closes the connection as `handler-closed`. */
  close(): void
  /**
   * Closes the connection at once, as `destroyed`. Requests in flight are not answered, and their signals abort.
   *
   * @param reason what `onClose` gets as its error
   * @throws TypeError when the reason is no Error
   */
  destroy(reason?: Error): void
}

/** A session of a user's protocol, which can also send messages that are no answers. */
export interface MessageSession<Data = unknown, Outgoing = unknown> extends Session<Data> {
  /**
   * Sends a message that nobody asked for. It leaves later in the turn: after what was sent before, and before the replies
   * that handlers return later. During `onOpen` it waits until that has settled.
   *
   * @returns whether the peer keeps up. False: send no more before {@link drained} resolves
   * @throws ConnectionClosedError when the session is closed, or about to be
   * @throws WriteBufferFullError when more than `maxWriteBuffer` would be unsent
   * @throws CodecError when the message can't be encoded. In each case the message was not sent, and nothing else happens
   */
  send(message: Outgoing): boolean

  /** Resolves when the peer keeps up again, as Node's `'drain'` says of a stream, or when the connection is gone. */
  drained(): Promise<void>
}
