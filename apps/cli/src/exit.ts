import { setTimeout as sleep } from 'node:timers/promises'

/** How long whoever reads our output may take for the last of it, in milliseconds. */
const FLUSH_PATIENCE = 2000

/** What a program's exit status says; the programs' own numbers come on top of these. */
export const ExitStatus = { ok: 0, failed: 1, usage: 2 } as const

/** The end of a program with something to say to whoever started it: one line, no stack. */
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
 * @param name what the line begins with
 */
export async function runProgram(name: string, main: () => Promise<number>): Promise<void> {
  // Whoever read our output has seen enough: `demo-loadgen | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  // Whoever read what we log has gone: there is nobody left to tell.
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
  // Not left to the event loop: a name that is still being looked up would hold up the end, and so would a reader who
  // stands still.
  const written = Promise.all([flushed(process.stdout), flushed(process.stderr)])
  await Promise.race([written, sleep(FLUSH_PATIENCE)])
  process.exit(status)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
