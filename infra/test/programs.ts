import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/** How much of a program's last output is kept, for the message when it fails. */
const KEPT_OUTPUT = 4_000

/** How often a condition is checked, in milliseconds. */
const POLL_INTERVAL = 100

/** How long a program may take to end after SIGTERM, in milliseconds. */
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

/** A free port of the loopback address. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}

/** Starts programs, and ends them at the end of the test, however it ends. */
export class Programs {
  readonly #started: Program[] = []

  constructor() {
    // For a test runner that ends without its hooks.
    process.once('exit', this.#kill)
  }

  start(command: string, args: string[]): Program {
    const program = new Program(command, args)
    this.#started.push(program)
    return program
  }

  /** Waits until the condition has a value. Fails after the timeout, and at once when a program has ended. */
  async until<T>(what: string, timeout: number, condition: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + timeout
    for (;;) {
      const value = await condition()
      if (value !== undefined) return value
      for (const program of this.#started) program.checkRunning()
      if (performance.now() > deadline) throw new Error(`not within ${Math.round(timeout)} ms: ${what}`)
      await setTimeout(POLL_INTERVAL)
    }
  }

  async stop(): Promise<void> {
    process.off('exit', this.#kill)
    await Promise.all(this.#started.map((program) => program.stop()))
  }

  readonly #kill = (): void => {
    for (const program of this.#started) program.kill()
  }
}

export class Program {
  readonly #name: string
  readonly #child: ChildProcess
  #output = ''
  #ended: string | undefined

  constructor(command: string, args: string[]) {
    this.#name = [command, ...args].join(' ')
    this.#child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT)
    })
    this.#child.once('error', (error) => {
      this.#ended = error.message
    })
    this.#child.once('exit', (code, signal) => {
      this.#ended = `ended with ${signal ?? `status ${code}`}`
    })
  }

  /** The first JSON line of the log with this `msg`. */
  logLine(msg: string): Record<string, unknown> | undefined {
    return this.#output
      .split('\n')
      .map(parseLine)
      .find((line) => line?.['msg'] === msg)
  }

  /** Throws when the program has ended, with its last output. */
  checkRunning(): void {
    if (this.#ended !== undefined) throw new Error(`${this.#name}: ${this.#ended}\n${this.#output}`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Stops the program with SIGTERM, and kills it if it does not end. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const stopped = await Promise.race([gone, setTimeout(STOP_TIMEOUT, undefined, { ref: false })])
    if (stopped === undefined) this.kill()
    await gone
  }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
