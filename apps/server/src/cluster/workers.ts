import { ExitStatus } from '@demo/cli'
import type { EngineName } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from '../config/flags.ts'
import { CANNOT_LISTEN } from '../endpoints/listen.ts'
import type { DrainResult } from '../lifecycle/shutdown.ts'
import { errorText } from '../logging/error-text.ts'
import type { SecretFiles } from '../secrets/secret-files.ts'
import { DrainSummary } from './drain-summary.ts'
import { LeastConnections } from './least-connections.ts'
import type { Metrics } from './messages.ts'
import { RestartBackoff } from './restart-backoff.ts'
import type { SharedSocket } from './shared-socket.ts'
import { isLoggedInDrain, logExit } from './worker-exit.ts'
import { type Exit, WorkerHandle } from './worker-handle.ts'

/** How long a worker may take to end after the drain timeout, in milliseconds. */
const END_TIMEOUT = 3000

/** How long a worker that has not listened yet may take to end, in milliseconds: it has nothing to drain. */
const STARTING_TIMEOUT = 500

/** The longest that a timer of Node can wait, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1

/** Without a heartbeat of any worker for this time, in milliseconds, the server is not alive. */
const DEAD_AFTER = 10_000

/** The exit statuses of a worker that has printed what is wrong. */
const REPORTED: ReadonlySet<number> = new Set([ExitStatus.usage, CANNOT_LISTEN])

/** Events of the workers. */
export interface WorkersListener {
  /** A worker is gone; these are its last metrics. */
  departed(last: Metrics): void
  /** A worker that died, or is about to end, is replaced. */
  replaced(): void
  /** No further worker is started: they die too fast, or one has printed what is wrong. */
  gaveUp(why: GaveUp): void
}

/** Why no further worker is started. */
export interface GaveUp {
  readonly why: string
  /** The exit status for it. */
  readonly status: number
}

/** The worker processes: starts them, replaces those that die, and stops them. */
export class Workers {
  readonly #config: Config
  readonly #files: SecretFiles
  readonly #log: Logger
  readonly #listener: WorkersListener
  readonly #socket: SharedSocket
  readonly #backoff = new RestartBackoff()
  readonly #alive = new Set<WorkerHandle>()
  readonly #leastConnections = new LeastConnections(() => this.#alive)
  /** The numbers of workers to start as soon as few enough old ones are left. */
  readonly #due: number[] = []
  #whenListening: () => void = () => {}
  #whenEmpty: () => void = () => {}
  #everListened = false
  #killed = false
  #drain: DrainSummary | undefined

  constructor(config: Config, files: SecretFiles, log: Logger, socket: SharedSocket, listener: WorkersListener) {
    this.#config = config
    this.#files = files
    this.#log = log
    this.#socket = socket
    this.#listener = listener
  }

  /** How many workers accept connections now. */
  get listening(): number {
    return [...this.#alive].filter(({ accepting }) => accepting).length
  }

  /** What moves the bytes of their sockets; undefined before one listens. */
  get engine(): EngineName | undefined {
    return [...this.#alive].find(({ engine }) => engine !== undefined)?.engine
  }

  /** True if the event loop of a worker runs, or no worker has listened yet; else why the server is not alive. */
  get living(): true | string {
    const listening = [...this.#alive].filter(({ listened }) => listened)
    const now = performance.now()
    if (listening.length === 0 || listening.some(({ heardAt }) => now - heardAt < DEAD_AFTER)) return true
    return `no worker has sent a heartbeat for ${DEAD_AFTER / 1000} s`
  }

  /**
   * Starts the first worker, then the others: so a mistake in the configuration is printed once.
   *
   * @returns when all of them listen
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenListening = resolve
      this.#fork(1)
    })
  }

  /** Requests the metrics of all workers. Those that are gone by then have departed, and are left out. */
  async metrics(): Promise<readonly Metrics[]> {
    await Promise.all([...this.#alive].map((worker) => worker.requestMetrics()))
    return [...this.#alive].map(({ metrics }) => metrics)
  }

  /** The number of connections, by each worker's last report. */
  get connections(): number {
    return [...this.#alive].reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Reads the secrets again, for all workers. */
  reload(): void {
    const secrets = this.#files.reload()
    for (const worker of this.#alive) worker.send({ type: 'secrets', secrets })
  }

  /**
   * Lets all workers drain and end, and starts no others. A worker that does not end in time is killed, and its connections
   * are cut off. A worker that still starts has nothing to drain: if it does not end soon, it is killed.
   */
  async drain(): Promise<DrainResult> {
    const { drainTimeout } = this.#config
    const summary = new DrainSummary(this.#alive)
    this.#drain = summary
    this.#socket.close()
    for (const worker of this.#alive) worker.send({ type: 'drain' })
    const starting = setTimeout(() => this.#killWhere(({ listened }) => !listened), STARTING_TIMEOUT)
    const timeout = drainTimeout === 0 ? MAX_TIMER : Math.min(MAX_TIMER, drainTimeout + END_TIMEOUT)
    const stuck = setTimeout(() => this.kill(), timeout)
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
      if (this.#alive.size === 0) resolve()
    })
    clearTimeout(starting)
    clearTimeout(stuck)
    return summary.result
  }

  /** Ends all workers at once, and starts no others. */
  kill(): void {
    this.#killed = true
    this.#killWhere(() => true)
  }

  #killWhere(matches: (worker: WorkerHandle) => boolean): void {
    for (const worker of this.#alive) if (matches(worker)) worker.kill()
  }

  #fork(number: number): void {
    const { secrets } = this.#files
    let worker: WorkerHandle
    try {
      worker = new WorkerHandle({ worker: number, config: this.#config, secrets }, this.#socket)
    } catch (error) {
      this.#notStarted(number, error)
      return
    }
    this.#alive.add(worker)
    worker.onNotStarted = (error) => {
      this.#alive.delete(worker)
      this.#notStarted(number, error)
    }
    worker.onListening = () => this.#listens()
    worker.onConnections = () => this.#leastConnections.changed()
    worker.onLeaving = () => {
      this.#log.error({ leaves: number, leavesPid: worker.pid }, 'worker accepts no more, and drains')
      this.#leastConnections.changed()
      this.#replace(worker)
    }
    worker.onGone = (exit) => this.#gone(worker, exit)
  }

  #listens(): void {
    this.#backoff.started()
    // Before the log says that all listen, and peers connect.
    this.#leastConnections.send(false)
    const { workers } = this.#config
    if (!this.#everListened && this.#drain === undefined) {
      for (let number = 2; number <= workers; number++) this.#fork(number)
    }
    this.#everListened = true
    if (this.listening === workers) this.#whenListening()
  }

  #gone(worker: WorkerHandle, exit: Exit): void {
    this.#alive.delete(worker)
    this.#leastConnections.changed()
    this.#listener.departed(worker.metrics)
    if (this.#drain !== undefined) {
      this.#drain.add(worker, exit)
      if (isLoggedInDrain(worker, exit)) logExit(this.#log, worker, exit)
      if (this.#alive.size === 0) this.#whenEmpty()
      return
    }
    if (this.#killed) return
    const { status } = exit
    if (!this.#everListened && status !== null && REPORTED.has(status)) {
      this.#listener.gaveUp({ why: 'it has said why', status })
      return
    }
    logExit(this.#log, worker, exit)
    if (worker.leaving) this.#startDue()
    else this.#replace(worker)
  }

  #replace({ number, listened }: WorkerHandle): void {
    if (this.#drain !== undefined) return
    const delay = this.#backoff.died(listened, performance.now())
    if (typeof delay === 'number') this.#listener.replaced()
    this.#startAfter(delay, number)
  }

  /** The system did not start the process: there is none to replace, and none has departed. */
  #notStarted(number: number, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException
    this.#log.error({ notStarted: number, code, error: errorText(error) }, 'worker not started')
    if (this.#drain === undefined) this.#startAfter(this.#backoff.refused(this.listening > 0), number)
    else if (this.#alive.size === 0) this.#whenEmpty()
  }

  /** @param delay in milliseconds; or why no further worker is started */
  #startAfter(delay: number | string, number: number): void {
    if (typeof delay === 'string') this.#listener.gaveUp({ why: delay, status: ExitStatus.failed })
    else {
      setTimeout(() => {
        this.#due.push(number)
        this.#startDue()
      }, delay)
    }
  }

  /** Starts the workers that are due while there are fewer than twice `--workers`, with the old ones that still drain. */
  #startDue(): void {
    while (this.#drain === undefined && !this.#killed && this.#alive.size < 2 * this.#config.workers) {
      const number = this.#due.shift()
      if (number === undefined) return
      this.#fork(number)
    }
  }
}
