import type { CloseReason } from '../api/close-reason.ts'

/** The handshake of a connection failed: the proxy's header, or TLS. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  /** The reason to close the connection. */
  readonly reason: CloseReason

  constructor(message: string, reason: CloseReason = 'handshake-error', options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
