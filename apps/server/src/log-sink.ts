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
  if (stats.isSocket()) return new SharedSink()
  return stats.isFIFO() ? openPipe() : new FileSink(STDERR)
}

/** Standard error as it was inherited, where it can't be opened again: whoever has it too may have changed it meanwhile. */
export class SharedSink implements Sink {
  get writableLength(): number {
    return process.stderr.writableLength
  }

  write(line: string): void {
    stopWaitingFor(process.stderr)
    process.stderr.write(line)
  }
}

/** Node waits until a terminal has taken what is written to it: for ever, when somebody has pressed Ctrl-S. */
function openTerminal(): Sink {
  stopWaiting()
  const terminal = openAgain((fd) => new WriteStream(fd))
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
function openAgain(wrap: (fd: number) => Socket): Sink {
  try {
    const stream = wrap(openSync(`/proc/self/fd/${STDERR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY))
    // Whoever read what we log has gone: there is nobody left to tell.
    stream.on('error', () => {})
    return stream.unref()
  } catch {
    return new SharedSink()
  }
}

/** Standard output and error wait for nobody any more. To be called again when a process was started. */
export function stopWaiting(): void {
  for (const stream of [process.stderr, process.stdout]) stopWaitingFor(stream)
}

/** Files have no handle. */
function stopWaitingFor(stream: object): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(on: boolean): number } | null }
  handle?.setBlocking?.(false)
}
