import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { FileSink } from './file-sink.ts'

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

/**
 * Node waits until a terminal has taken what is written to it: for ever, when somebody has pressed Ctrl-S. libuv has a
 * descriptor of its own for it, so that nobody else is concerned when it stops waiting.
 */
function openTerminal(): Sink {
  for (const stream of [process.stderr, process.stdout]) {
    if (stream.isTTY) (stream as { _handle?: { setBlocking?(on: boolean): number } })._handle?.setBlocking?.(false)
  }
  return process.stderr
}

/**
 * A pipe is opened again. Whether one waits for its reader is the same for all processes that have inherited it, and each
 * start of another process says that they do.
 */
function openPipe(): Sink {
  try {
    const fd = openSync(`/proc/self/fd/${STDERR}`, constants.O_WRONLY | constants.O_NONBLOCK)
    const pipe = new Socket({ fd, readable: false, writable: true })
    // Whoever read what we log has gone: there is nobody left to tell.
    pipe.on('error', () => {})
    return pipe.unref()
  } catch {
    return process.stderr
  }
}
