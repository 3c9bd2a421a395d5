import { setTimeout as sleep } from 'node:timers/promises'

/** How long a reader of our output may take for the last of it, in milliseconds. */
const FLUSH_PATIENCE = 2000

/** What a program's exit status says; the programs' own numbers come on top of these. */
export const ExitStatus = { ok: 0, failed: 1, usage: 2 } as const

/** The end of a program with something to say to the user: one line, no stack. */
export class ExitError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Runs a program to its exit status. An {@link ExitError} is its one line on standard error; anything else is a bug and
 * shows its stack.
 *
 * Whatever happens to standard output, the program goes on: it has files to write, and a status. A reader that has gone
 * (`demo-loadgen | head`) has seen enough. Any other failure is one line, and no status of success.
 *
 * @param name what the line begins with
 */
export async function runProgram(name: string, main: () => Promise<number>): Promise<void> {
  let outputFailed = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || outputFailed) return
    outputFailed = true
    process.stderr.write(`${name}: can't write to standard output: ${error.message}\n`)
  })
  // The reader of what we log has gone: there is nobody left to tell.
  process.stderr.on('error', () => {})
  const status = await Promise.resolve()
    .then(main)
    .catch((error: unknown) => {
      if (error instanceof ExitError) {
        if (error.message !== '') process.stderr.write(`${name}: ${error.message}\n`)
        return error.status
      }
      process.stderr.write(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
      return ExitStatus.failed
    })
  // Not left to the event loop: a name that is still being looked up would hold up the end, and so would a reader that
  // stands still.
  const written = Promise.all([flushed(process.stdout), flushed(process.stderr)])
  await Promise.race([written, sleep(FLUSH_PATIENCE)])
  process.exit(status === ExitStatus.ok && outputFailed ? ExitStatus.failed : status)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
