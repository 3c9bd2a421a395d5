import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino, stdTimeFunctions } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from '../config/flags.ts'
import { LogStream } from './log-stream.ts'
import type { Sink } from './sink.ts'
import { InheritedSink, openStderrSink } from './stderr-sink.ts'

/** How long the end of the process waits for the last lines of the log to be written, in milliseconds. */
const FLUSH_TIMEOUT = 2000
const FLUSH_INTERVAL = 5

let sink: Sink | undefined

/**
 * The program's log, on standard error: one JSON object a line, or text for people.
 *
 * @param worker the number of this worker; undefined in a process that is not a worker
 */
export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>, worker?: number): Logger {
  sink ??= openStderrSink()
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

/** Runs the program, and waits for a limited time until its log is written, however the program ends. */
export async function withLog(main: () => Promise<number>): Promise<number> {
  try {
    return await main()
  } finally {
    const deadline = performance.now() + FLUSH_TIMEOUT
    while (hasMore() && performance.now() < deadline) await sleep(FLUSH_INTERVAL)
  }
}

/** Whether lines wait to be written. Node itself waits for those of the inherited standard error. */
function hasMore(): boolean {
  if (sink === undefined || sink instanceof InheritedSink || sink.destroyed === true) return false
  return sink.writableLength > 0
}

/** By default, Node writes its warnings to standard error itself, and blocks. */
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
