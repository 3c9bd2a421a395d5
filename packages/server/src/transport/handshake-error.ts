import type { CloseReason } from '../api/close-reason.ts'

/** What comes before the first frame went wrong: the header of a proxy, or TLS. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  /** What the connection is closed as. */
  readonly reason: CloseReason

  constructor(message: string, reason: CloseReason = 'handshake-error', options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
