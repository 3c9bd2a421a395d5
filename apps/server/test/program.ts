import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { PATIENCE, waitFor } from '../../../packages/server/src/testing/wait-for.ts'

/** How a program ended: with a status, or by a signal. */
export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** How a program is started. */
export interface ProgramOptions {
  /** Variables in addition to ours, without those of ours that set flags of the two programs. */
  readonly environment?: NodeJS.ProcessEnv
  /** Its working directory. */
  readonly folder?: string
}

/** How long a program may take to start or to end, in milliseconds. Long, because the machine may be loaded. */
export const PROGRAM_PATIENCE = 2 * PATIENCE

/** A program that a test runs as a child process. It is killed at the end of the test. */
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
    // Not 'exit': at 'close' all its output has been read.
    this.#child.once('close', (status, signal) => {
      this.#exit = { status, signal }
    })
    // For a test runner that ends without its hooks.
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

  /** The complete lines on standard error so far. */
  get stderrLines(): string[] {
    return wholeLines(this.#stderr)
  }

  /** The complete lines on standard output so far. */
  get stdoutLines(): string[] {
    return wholeLines(this.#stdout)
  }

  get running(): boolean {
    return !this.#hasEnded
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Sends a signal at once when a text appears on standard error. */
  signalAt(text: string, name: NodeJS.Signals): void {
    const look = () => {
      if (!this.#stderr.includes(text)) return
      this.#child.stderr?.off('data', look)
      this.signal(name)
    }
    this.#child.stderr?.on('data', look)
  }

  /** Closes our end of its pipe: its further writes fail. */
  breakPipe(stream: 'stdout' | 'stderr'): void {
    this.#child[stream]?.destroy()
  }

  /** Waits until `look` returns a value. Fails at once when the program ends before. */
  async until<Value>(what: string, look: () => Value | undefined, patience = PROGRAM_PATIENCE): Promise<Value> {
    await waitFor(
      () => look() !== undefined || this.#hasEnded,
      () => `for ${what}; ${this.#description}`,
      patience,
    )
    const value = look()
    if (value === undefined) throw new Error(`it ended before ${what}; ${this.#description}`)
    return value
  }

  /** Waits for its end. */
  async exit(patience = PROGRAM_PATIENCE): Promise<Exit> {
    await waitFor(
      () => this.#hasEnded,
      () => `for the end of ${this.#description}`,
      patience,
    )
    if (this.#exit === undefined) throw this.#failure ?? new Error(`${this.#name} did not start`)
    return this.#exit
  }

  get #hasEnded(): boolean {
    return this.#exit !== undefined || this.#failure !== undefined
  }

  get #description(): string {
    return `${this.#name}\n${this.#stdout.slice(-1000)}\n${this.#stderr.slice(-2000)}`
  }
}

/** Runs a script with this Node. */
export function startNode(script: string, args: readonly string[], options?: ProgramOptions): Program {
  return new Program(process.execPath, [script, ...args], options)
}

/** Our environment, without variables that set flags of the programs or show that this is a test. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DEMO_|VITEST|NODE_OPTIONS$|FORCE_COLOR$)/.test(name))
  return Object.fromEntries(kept)
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
