import type { CloseReason, Session } from '@demo/server'
import type { Logger } from 'pino'

/** Close reasons that need no attention. */
const EXPECTED: ReadonlySet<CloseReason> = new Set(['peer-closed', 'idle-timeout', 'draining', 'handler-closed'])

/** Logs one line for the end of each connection: the reason, and what the connection did. */
export function logClose(log: Logger, session: Session, reason: CloseReason, error: Error | undefined): void {
  const { id, remoteAddress, remotePort, requests, receivedBytes, sentBytes } = session
  // A load balancer's health check: it connects, and resets the connection.
  const probed = reason === 'peer-reset' && receivedBytes === 0
  const facts = { session: id, remoteAddress, remotePort, reason, requests, receivedBytes, sentBytes }
  const why = error === undefined ? {} : { error: error.message }
  log[EXPECTED.has(reason) || probed ? 'info' : 'warn']({ ...facts, ...why }, 'connection closed')
}
