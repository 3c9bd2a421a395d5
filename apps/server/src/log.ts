import type { CloseReason, Session } from '@demo/server'
import { type Logger, pino, stdTimeFunctions } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'

const STANDARD_ERROR = 2

/** The program's log, on standard error: one JSON object a line, or something for eyes. */
export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const stream =
    logFormat === 'pretty'
      ? pretty({ destination: STANDARD_ERROR, sync: true, colorize: process.stderr.isTTY === true })
      : pino.destination({ dest: STANDARD_ERROR, sync: true })
  // Whoever read the log has gone: the server goes on, and drains when it is told to.
  stream.on('error', () => {})
  return pino({ level: logLevel, base: { pid: process.pid }, timestamp: stdTimeFunctions.isoTime }, stream)
}

/** The ends of a connection that nobody needs to look into. */
const USUAL: ReadonlySet<CloseReason> = new Set(['peer-closed', 'idle-timeout', 'draining', 'handler-closed'])

/** One line for the end of each connection: why, and what it did. */
export function logClose(log: Logger, session: Session, reason: CloseReason, error: Error | undefined): void {
  const { id, remoteAddress, remotePort, requests, receivedBytes, sentBytes } = session
  const facts = { session: id, remoteAddress, remotePort, reason, requests, receivedBytes, sentBytes }
  const why = error === undefined ? {} : { error: error.message }
  log[USUAL.has(reason) ? 'info' : 'warn']({ ...facts, ...why }, 'connection closed')
}
