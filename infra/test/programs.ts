import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Program } from '@demo/testkit/program'

/** How often a condition is checked, in milliseconds. */
const POLL_INTERVAL = 100

/** How long a program may take to end after a SIGTERM, in milliseconds. */
const STOP_TIMEOUT = 5_000

/** Whether the program is on the search path. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** For the name of a test that needs programs: those that are missing; empty if none is. */
export function skipReason(programs: string[]): string {
  const missing = programs.filter((program) => !isInstalled(program))
  return missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')} not installed)`
}

/** Programs that several tests share. They are stopped by {@link Programs.stop}, or when the test runner ends. */
export class Programs {
  readonly #started: Program[] = []

  start(command: string, args: readonly string[]): Program {
    const program = new Program(command, args, { outlivesTest: true })
    this.#started.push(program)
    return program
  }

  /** Waits for the condition to have a value. @throws when the time is over, and at once when a program has ended */
  async until<T>(what: string, timeout: number, condition: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + timeout
    for (;;) {
      const value = await condition()
      if (value !== undefined) return value
      const ended = this.#started.find((program) => !program.running)
      if (ended !== undefined) throw new Error(`it ended before ${what}; ${ended.report}`)
      if (performance.now() > deadline) throw new Error(`waited ${Math.round(timeout)} ms in vain: ${what}`)
      await setTimeout(POLL_INTERVAL)
    }
  }

  /** Asks all programs to end, and kills those that do not. */
  async stop(): Promise<void> {
    for (const program of this.#started) program.signal('SIGTERM')
    await Promise.allSettled(this.#started.map((program) => program.exit(STOP_TIMEOUT)))
    await Promise.all(this.#started.map((program) => program.stop()))
  }
}

/** The first line of a program's log, in JSON, whose `msg` is this. */
export function logLine(program: Program, msg: string): Record<string, unknown> | undefined {
  return program.stderrLines.map(parseLine).find((line) => line?.['msg'] === msg)
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
