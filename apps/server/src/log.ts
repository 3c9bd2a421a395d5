import type { CloseReason, Session } from '@demo/server'
import { type Logger, pino, stdTimeFunctions } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './flags.ts'

const STANDARD_ERROR = 2

/**
 * The program's log, on standard error: one JSON object a line, or something for eyes.
 *
 * @param worker the number of the worker that logs, if it is one
 */
export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>, worker?: number): Logger {
  const stream =
    logFormat === 'pretty'
      ? pretty({ destination: STANDARD_ERROR, sync: true, colorize: process.stderr.isTTY === true })
      : pino.destination({ dest: STANDARD_ERROR, sync: true })
  // Whoever read the log has gone: the server goes on, and drains when it is told to.
  stream.on('error', () => {})
  const base = { pid: process.pid, ...(worker === undefined ? {} : { worker }) }
  return pino({ level: logLevel, base, timestamp: stdTimeFunctions.isoTime }, stream)
}

/** The ends of a connection that nobody needs to look into. */
const USUAL: ReadonlySet<CloseReason> = new Set(['peer-closed', 'idle-timeout', 'draining', 'handler-closed'])

/** One line for the end of each connection: why, and what it did. */
export function logClose(log: Logger, session: Session, reason: CloseReason, error: Error | undefined): void {
  const { id, remoteAddress, remotePort, requests, receivedBytes, sentBytes } = session
  // A load balancer sees whether we live by a connection, and a reset.
  const probed = reason === 'peer-reset' && receivedBytes === 0
  const facts = { session: id, remoteAddress, remotePort, reason, requests, receivedBytes, sentBytes }
  const why = error === undefined ? {} : { error: error.message }
  log[USUAL.has(reason) || probed ? 'info' : 'warn']({ ...facts, ...why }, 'connection closed')
}
