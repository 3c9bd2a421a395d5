import type { X509Certificate } from 'node:crypto'

/** The events of a connection, for its session. */
export interface ConnectionEvents {
  /**
   * Bytes were read. `lent`: they are valid until this returns, because the next read overwrites them; otherwise they do
   * not change.
   */
  onBytes(bytes: Uint8Array, lent: boolean): void

  /** The peer ended its side. All its bytes were delivered before. */
  onEnd(): void

  /** Everything written has been sent, after {@link Connection.write} returned false. */
  onWritable(): void

  /** The connection failed. {@link onClose} follows. */
  onError(error: NodeJS.ErrnoException): void

  /** The connection is closed. Called exactly once, and last. */
  onClose(): void
}

/**
 * One end of a connection, as its session sees it: bytes, not frames. A transport implements it; code outside of
 * `transport/` does not know which one.
 */
export interface Connection {
  /** The peer's address; behind a proxy the client's, once the handshake is done. Undefined if there is none. */
  readonly remoteAddress: string | undefined
  /** The peer's port; behind a proxy the client's. */
  readonly remotePort: number | undefined
  /** The certificate that the peer showed, if any. */
  readonly peerCertificate: X509Certificate | undefined
  /** Whether {@link destroy} was called, or the connection is closed. */
  readonly destroyed: boolean
  /** Bytes read so far, including those of a handshake. */
  readonly bytesRead: number
  /** Bytes that were read and not delivered yet. */
  readonly bufferedBytes: number
  /** Bytes that were written and that the system has not taken yet. */
  readonly unsentBytes: number
  /**
   * Whether the system usually takes a write at once and copies its bytes. Then the caller may reuse them as soon as
   * {@link write} returns and {@link unsentBytes} is 0. False: a write keeps its bytes, as TLS does.
   */
  readonly copiesWrites: boolean

  /** Sets the receiver of the events. Called once, before anything else. */
  attach(events: ConnectionEvents): void

  /** Begins to deliver bytes, `onEnd` and `onWritable`. Called once, after the handshake, if there is one. */
  open(): void

  /** Stops reading. Bytes that were read already may still be delivered. */
  pause(): void

  /** Reads again. */
  resume(): void

  /** Delivers at once what was read and not delivered yet, even while paused. */
  deliverBuffered(): void

  /**
   * Writes bytes.
   *
   * @returns false if enough is unsent: wait for `onWritable` before the next write
   */
  write(bytes: Uint8Array): boolean

  /** Ends our side, after everything written has been sent. */
  end(): void

  /** Closes both sides at once. What is unsent is lost. `onClose` follows. */
  destroy(): void
}

/**
 * The steps before the first frame of a connection: a proxy's header, TLS.
 *
 * @param admit called once the peer's address is known. If it returns false, the handshake ends, and the caller closes the
 *   connection
 * @returns whether the peer was admitted
 * @throws HandshakeError
 */
export type Handshake = (admit: () => boolean) => Promise<boolean>

/** Called for each connection that a transport accepts. */
export type Accept = (connection: Connection, handshake: Handshake | undefined) => void

/** Where a server listens. The path is empty for a Unix socket that was passed as a descriptor. */
export type ServerAddress = { readonly address: string; readonly port: number } | { readonly path: string }

/** Listens, and accepts connections. */
export interface Transport {
  /** Where it listens; undefined if it does not. */
  readonly address: ServerAddress | undefined

  /**
   * Begins to listen. It resolves when connections are accepted, and rejects with the system's error.
   *
   * @param signal rejects it while it has not resolved
   */
  listen(accept: Accept, signal: AbortSignal): Promise<ServerAddress>

  /**
   * Leaves new connections to other processes that listen at the same place.
   *
   * @returns whether it does
   */
  pauseAccepting(): boolean

  /** Accepts again. */
  resumeAccepting(): void

  /** Stops accepting. Open connections stay open. It resolves when the last of them is closed. */
  close(): Promise<void>
}
