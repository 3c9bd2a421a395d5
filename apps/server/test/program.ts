import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { PATIENCE, waitFor } from '../../../packages/server/src/testing/wait-for.ts'

/** How a program ended: with a status, or by a signal. */
export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a program is started with. */
export interface ProgramOptions {
  /** Variables on top of ours; those of ours that would set a flag of the two programs are left out. */
  readonly environment?: NodeJS.ProcessEnv
  /** Where it runs. */
  readonly folder?: string
}

/** How long a program may take to start or to end, in milliseconds: long, for a loaded machine. */
export const PROGRAM_PATIENCE = 2 * PATIENCE

/** A program that a test runs as a child process. It is gone when its test is. */
export class Program {
  readonly #child: ChildProcess
  readonly #name: string
  #stdout = ''
  #stderr = ''
  #exit: Exit | undefined
  #failure: Error | undefined

  constructor(command: string, args: readonly string[], { environment = {}, folder }: ProgramOptions = {}) {
    this.#name = [command, ...args].join(' ')
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inheritedEnvironment(), ...environment },
      ...(folder === undefined ? {} : { cwd: folder }),
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.once('error', (error) => {
      this.#failure = error
    })
    // Not 'exit': by 'close' everything it wrote has been read.
    this.#child.once('close', (status, signal) => {
      this.#exit = { status, signal }
    })
    // For a test runner that goes without its hooks.
    const kill = () => this.#child.kill('SIGKILL')
    process.once('exit', kill)
    onTestFinished(async () => {
      process.off('exit', kill)
      kill()
      await waitFor(
        () => this.#hasEnded,
        () => `for ${this.#name} to be gone`,
      )
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What it has written to standard output so far. */
  get stdout(): string {
    return this.#stdout
  }

  /** What it has written to standard error so far. */
  get stderr(): string {
    return this.#stderr
  }

  /** The lines on standard error so far, without the one that is not whole yet. */
  get stderrLines(): string[] {
    return wholeLines(this.#stderr)
  }

  /** The lines on standard output so far, without the one that is not whole yet. */
  get stdoutLines(): string[] {
    return wholeLines(this.#stdout)
  }

  get running(): boolean {
    return !this.#hasEnded
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Sends a signal at the very moment at which a text appears on standard error. */
  signalAt(text: string, name: NodeJS.Signals): void {
    const look = () => {
      if (!this.#stderr.includes(text)) return
      this.#child.stderr?.off('data', look)
      this.signal(name)
    }
    this.#child.stderr?.on('data', look)
  }

  /** Nobody reads what it writes from now on: it writes to a pipe that is broken. */
  breakPipe(stream: 'stdout' | 'stderr'): void {
    this.#child[stream]?.destroy()
  }

  /** Waits until something it has written, or done, is seen; fails at once when it ends without. */
  async until<Value>(what: string, look: () => Value | undefined, patience = PROGRAM_PATIENCE): Promise<Value> {
    await waitFor(
      () => look() !== undefined || this.#hasEnded,
      () => `for ${what}; ${this.#told}`,
      patience,
    )
    const value = look()
    if (value === undefined) throw new Error(`it ended before ${what}; ${this.#told}`)
    return value
  }

  /** Waits for its end. */
  async exit(patience = PROGRAM_PATIENCE): Promise<Exit> {
    await waitFor(
      () => this.#hasEnded,
      () => `for the end of ${this.#told}`,
      patience,
    )
    if (this.#exit === undefined) throw this.#failure ?? new Error(`${this.#name} did not start`)
    return this.#exit
  }

  get #hasEnded(): boolean {
    return this.#exit !== undefined || this.#failure !== undefined
  }

  get #told(): string {
    return `${this.#name}\n${this.#stdout.slice(-1000)}\n${this.#stderr.slice(-2000)}`
  }
}

/** Runs a script with this Node. */
export function startNode(script: string, args: readonly string[], options?: ProgramOptions): Program {
  return new Program(process.execPath, [script, ...args], options)
}

/** Our environment without what would set a flag of the programs, or tell them that they are under test. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DEMO_|VITEST|NODE_OPTIONS$|FORCE_COLOR$)/.test(name))
  return Object.fromEntries(kept)
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
