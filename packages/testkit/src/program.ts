import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { inheritedEnvironment } from './environment.ts'
import { PATIENCE, waitFor } from './wait-for.ts'

/** How a program ended: with a status, or by a signal. */
export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** How a program is started. */
export interface ProgramOptions {
  /** Variables on top of {@link inheritedEnvironment}. */
  readonly environment?: NodeJS.ProcessEnv
  /** Its working directory. */
  readonly folder?: string
  /** Whether it outlives the test, for one that several tests share: the caller must call {@link Program.stop}. */
  readonly outlivesTest?: boolean
}

/** How long a program may take to start or to end, in milliseconds. Long, because the machine may be loaded. */
export const PROGRAM_PATIENCE = 2 * PATIENCE

/** A program that a test runs as a child process. By default it is killed at the end of the test. */
export class Program {
  readonly #child: ChildProcess
  readonly #name: string
  #stdout = ''
  #stderr = ''
  #exit: Exit | undefined
  #failure: Error | undefined

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    const { environment = {}, folder, outlivesTest = false } = options
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
    process.once('exit', this.#kill)
    if (!outlivesTest) onTestFinished(() => this.stop())
  }

  /** For a test runner that ends without its hooks. */
  readonly #kill = (): void => {
    this.#child.kill('SIGKILL')
  }

  /** Kills it, and waits for its end. */
  async stop(): Promise<void> {
    process.off('exit', this.#kill)
    this.#kill()
    await waitFor(
      () => this.#hasEnded,
      () => `for ${this.#name} to end`,
    )
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

  /** The whole lines on standard error so far. */
  get stderrLines(): string[] {
    return wholeLines(this.#stderr)
  }

  /** The whole lines on standard output so far. */
  get stdoutLines(): string[] {
    return wholeLines(this.#stdout)
  }

  get running(): boolean {
    return !this.#hasEnded
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Sends a signal as soon as a text appears on standard error. */
  signalAt(text: string, name: NodeJS.Signals): void {
    const look = () => {
      if (!this.#stderr.includes(text)) return
      this.#child.stderr?.off('data', look)
      this.signal(name)
    }
    this.#child.stderr?.on('data', look)
  }

  /** Closes our end of its pipe: from now on it writes to a broken pipe. */
  breakPipe(stream: 'stdout' | 'stderr'): void {
    this.#child[stream]?.destroy()
  }

  /** Waits until `look` finds something in what the program wrote or did. @throws at once when the program ends before */
  async until<Value>(what: string, look: () => Value | undefined, patience = PROGRAM_PATIENCE): Promise<Value> {
    await waitFor(
      () => look() !== undefined || this.#hasEnded,
      () => `for ${what}; ${this.report}`,
      patience,
    )
    const value = look()
    if (value === undefined) throw new Error(`it ended before ${what}; ${this.report}`)
    return value
  }

  /** Waits for its end. */
  async exit(patience = PROGRAM_PATIENCE): Promise<Exit> {
    await waitFor(
      () => this.#hasEnded,
      () => `for the end of ${this.report}`,
      patience,
    )
    // Node emits 'close' as well, with a negative status, when a program does not start.
    if (this.#failure !== undefined || this.#exit === undefined) {
      throw new Error(`${this.#name} did not start`, { cause: this.#failure })
    }
    return this.#exit
  }

  get #hasEnded(): boolean {
    return this.#exit !== undefined || this.#failure !== undefined
  }

  /** Its command line and the last of its output, for an error. */
  get report(): string {
    return `${this.#name}\n${this.#stdout.slice(-1000)}\n${this.#stderr.slice(-2000)}`
  }
}

/** Runs a script with the Node of the tests. */
export function startNode(script: string, args: readonly string[], options?: ProgramOptions): Program {
  return new Program(process.execPath, [script, ...args], options)
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
