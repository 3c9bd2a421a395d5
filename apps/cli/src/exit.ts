import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from './message-of.ts'

/** How long the last of the output may take to be written, in milliseconds. */
const FLUSH_TIMEOUT = 2000

/** The exit statuses that all programs have. A program can add its own. */
export const ExitStatus = { ok: 0, failed: 1, usage: 2 } as const

/** Ends the program with a message to the user: one line, no stack. */
export class ExitError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** An error of usage: an invalid flag, file or argument. */
export function usageError(message: string): ExitError {
  return new ExitError(ExitStatus.usage, message)
}

/**
 * Runs a program and exits with its status. An {@link ExitError} is one line on standard error. Any other error is a bug
 * and is printed with its stack.
 *
 * An error of standard output does not end the program: it may have files to write, and its status counts. A reader that
 * closes the pipe (`demo-loadgen | head`) is no error. Any other error is one line, and a status of 0 becomes 1.
 *
 * @param name the first word of the line
 */
export async function runProgram(name: string, main: () => Promise<number>): Promise<void> {
  let outputFailed = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || outputFailed) return
    outputFailed = true
    process.stderr.write(`${name}: can't write to standard output: ${error.message}\n`)
  })
  // Nothing can be reported without standard error.
  process.stderr.on('error', () => {})
  const status = await Promise.resolve()
    .then(main)
    .catch((error: unknown) => {
      if (error instanceof ExitError) {
        if (error.message !== '') process.stderr.write(`${name}: ${error.message}\n`)
        return error.status
      }
      const stack = error instanceof Error ? error.stack : undefined
      process.stderr.write(`${name}: ${stack ?? messageOf(error)}\n`)
      return ExitStatus.failed
    })
  // Exits explicitly: a pending DNS lookup, or a reader that has stopped reading, would keep the process alive.
  const written = Promise.all([flushed(process.stdout), flushed(process.stderr)])
  await Promise.race([written, sleep(FLUSH_TIMEOUT)])
  process.exit(status === ExitStatus.ok && outputFailed ? ExitStatus.failed : status)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
