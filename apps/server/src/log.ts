import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CloseReason, Session } from '@demo/server'
import { type Logger, pino, stdTimeFunctions } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './flags.ts'
import { openSink, SharedSink, type Sink } from './log-sink.ts'
import { LogStream } from './log-stream.ts'

/** How long the last of the log may take at the end of the process, in milliseconds. */
const FLUSH_PATIENCE = 2000
const FLUSH_INTERVAL = 5

let sink: Sink | undefined

/**
 * The program's log, on standard error: one JSON object a line, or something for eyes.
 *
 * @param worker the number of the worker that logs, if it is one
 */
export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>, worker?: number): Logger {
  sink ??= openSink()
  const stream = new LogStream(sink)
  const destination =
    logFormat === 'pretty'
      ? pretty({ destination: asWritable(stream), colorize: process.stderr.isTTY === true })
      : stream
  const base = { pid: process.pid, ...(worker === undefined ? {} : { worker }) }
  const log = pino({ level: logLevel, base, timestamp: stdTimeFunctions.isoTime }, destination)
  stream.onRoom = (leftOut) => log.warn({ leftOut }, 'lines of the log were left out: nobody took them')
  logWarnings(log)
  return log
}

/** Runs the program, and gives the log a while to be written, however it ends. */
export async function withLog(main: () => Promise<number>): Promise<number> {
  try {
    return await main()
  } finally {
    const deadline = performance.now() + FLUSH_PATIENCE
    while (hasMore() && performance.now() < deadline) await sleep(FLUSH_INTERVAL)
  }
}

/** Whether lines are still to be written. For standard error itself whoever runs the program waits. */
function hasMore(): boolean {
  if (sink === undefined || sink instanceof SharedSink || sink.destroyed === true) return false
  return sink.writableLength > 0
}

/** Node would write its warnings past the log, and wait until they are taken. */
function logWarnings(log: Logger): void {
  if (process.listenerCount('warning') === 0) return
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message, code }: NodeJS.ErrnoException) => {
    log.warn({ warning: name, ...(code === undefined ? {} : { code }), error: message }, 'process warning')
  })
}

function asWritable(stream: LogStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      stream.write(line)
      done()
    },
  })
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
