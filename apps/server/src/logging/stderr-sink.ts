import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty, WriteStream } from 'node:tty'
import { FileSink } from './file-sink.ts'
import { makeNonBlocking, makeStdioNonBlocking } from './non-blocking.ts'
import type { Sink } from './sink.ts'

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants

const STDERR = 2

/** Standard error as a sink that never blocks the process, whatever it is. */
export function openStderrSink(): Sink {
  if (isatty(STDERR)) return openTerminal()
  const stats = fstatSync(STDERR)
  if (stats.isSocket()) return new InheritedSink()
  return stats.isFIFO() ? openPipe() : new FileSink(STDERR)
}

/** Standard error as it was inherited, where it cannot be opened again. Another process may make it blocking at any time. */
export class InheritedSink implements Sink {
  get writableLength(): number {
    return process.stderr.writableLength
  }

  write(line: string): void {
    makeNonBlocking(process.stderr)
    process.stderr.write(line)
  }
}

/** By default, Node blocks until a terminal has taken what is written to it: for ever after Ctrl-S. */
function openTerminal(): Sink {
  makeStdioNonBlocking()
  const terminal = reopen((fd) => new WriteStream(fd))
  makeNonBlocking(terminal)
  return terminal
}

function openPipe(): Sink {
  return reopen((fd) => new Socket({ fd, readable: false, writable: true }))
}

/**
 * All processes that inherited a descriptor share its blocking mode, and each start of another process sets it to
 * blocking. A descriptor that is opened again belongs to this process alone.
 */
function reopen(wrap: (fd: number) => Socket): Sink {
  try {
    const stream = wrap(openSync(`/proc/self/fd/${STDERR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY))
    // The reader of the log is gone: there is no place to report it.
    stream.on('error', () => {})
    return stream.unref()
  } catch {
    return new InheritedSink()
  }
}
