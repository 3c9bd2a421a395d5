import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty, WriteStream } from 'node:tty'
import { FileSink } from './file-sink.ts'

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants

const STDERR = 2

/** Where lines are written to: standard error, or what a test puts in its place. Nothing here waits for its reader. */
export interface Sink {
  /** What waits to be written, in characters or bytes. */
  readonly writableLength: number
  readonly destroyed?: boolean
  /** Called when lines can be written again, with how many could not: the disk was full. */
  onRecovered?: (lost: number) => void
  write(line: string): unknown
}

/** Standard error as a sink that never holds the process up, whatever it is. */
export function openSink(): Sink {
  if (isatty(STDERR)) return openTerminal()
  const stats = fstatSync(STDERR)
  if (stats.isSocket()) return process.stderr
  return stats.isFIFO() ? openPipe() : new FileSink(STDERR)
}

/** Node waits until a terminal has taken what is written to it: for ever, when somebody has pressed Ctrl-S. */
function openTerminal(): Sink {
  stopWaitingForTerminals()
  const terminal = openAgain((fd) => new WriteStream(fd))
  if (terminal === process.stderr) return terminal
  stopWaitingFor(terminal)
  return terminal
}

function openPipe(): Sink {
  return openAgain((fd) => new Socket({ fd, readable: false, writable: true }))
}

/**
 * Whether a descriptor waits is the same for all processes that have inherited it, and each start of another process has it
 * wait. One that is opened again is ours alone.
 */
function openAgain<Stream extends Socket>(wrap: (fd: number) => Stream): Stream | typeof process.stderr {
  try {
    const stream = wrap(openSync(`/proc/self/fd/${STDERR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY))
    // Whoever read what we log has gone: there is nobody left to tell.
    stream.on('error', () => {})
    return stream.unref()
  } catch {
    return process.stderr
  }
}

/** Standard output and error wait no more where they are terminals. To be called again when a process was started. */
export function stopWaitingForTerminals(): void {
  for (const stream of [process.stderr, process.stdout]) if (stream.isTTY) stopWaitingFor(stream)
}

function stopWaitingFor(terminal: object): void {
  const { _handle: handle } = terminal as { _handle?: { setBlocking?(on: boolean): number } | null }
  handle?.setBlocking?.(false)
}
