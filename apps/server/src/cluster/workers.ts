import { ExitStatus } from '@demo/cli'
import type { Logger } from 'pino'
import type { Config } from '../flags.ts'
import { CANNOT_LISTEN } from '../listening.ts'
import type { SecretFiles } from '../secrets.ts'
import type { DrainResult } from '../stopping.ts'
import { DrainSum } from './drain-sum.ts'
import { Evenness } from './evenness.ts'
import { type Exit, KnownWorker } from './known-worker.ts'
import type { Metrics } from './messages.ts'
import { Restarts } from './restarts.ts'
import type { SharedSocket } from './shared-socket.ts'

/** How much longer than the drain a worker may take to end, in milliseconds. */
const END_PATIENCE = 3000

/** How long a worker that has not listened yet may take to end, in milliseconds: it has nothing to drain. */
const STARTING_PATIENCE = 500

/** The longest that a timer of Node can wait, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1

/** After so long without a beat of any worker the server does not live, in milliseconds. */
const DEAD = 10_000

/** The exit statuses of a worker that has said itself what is wrong, in its one line. */
const SAY_WHY: ReadonlySet<number> = new Set([ExitStatus.usage, CANNOT_LISTEN])

/** What is told of workers. */
export interface WorkersListener {
  /** A worker is gone; this is the last that it told. */
  departed(last: Metrics): void
  /** Another worker takes the place of one that died, or is about to end. */
  replaced(): void
  /** None takes its place: they die too fast, or it has said itself what is wrong. */
  gaveUp(why: GaveUp): void
}

/** Why there will be no more workers. */
export interface GaveUp {
  readonly why: string
  /** The exit status that says so. */
  readonly status: number
}

/** The processes that serve: started, replaced when they die, told when to stop. */
export class Workers {
  readonly #config: Config
  readonly #files: SecretFiles
  readonly #log: Logger
  readonly #listener: WorkersListener
  readonly #socket: SharedSocket
  readonly #restarts = new Restarts()
  readonly #alive = new Set<KnownWorker>()
  readonly #evenness = new Evenness(() => this.#alive)
  /** The numbers of workers that are to be started as soon as few enough of the old ones are left. */
  readonly #due: number[] = []
  #whenListening: () => void = () => {}
  #whenEmpty: () => void = () => {}
  #everListened = false
  #killed = false
  #drain: DrainSum | undefined

  constructor(config: Config, files: SecretFiles, log: Logger, socket: SharedSocket, listener: WorkersListener) {
    this.#config = config
    this.#files = files
    this.#log = log
    this.#socket = socket
    this.#listener = listener
  }

  /** How many take connections now. */
  get listening(): number {
    return [...this.#alive].filter(({ accepting }) => accepting).length
  }

  /** Whether the event loop of one of them turns, as far as that is known; else the reason why it is thought that none does. */
  get living(): true | string {
    const listening = [...this.#alive].filter(({ listened }) => listened)
    const now = performance.now()
    if (listening.length === 0 || listening.some(({ heardAt }) => now - heardAt < DEAD)) return true
    return `no worker has been heard of for ${DEAD / 1000} s`
  }

  /**
   * Starts them: one alone, so that what is wrong is said once, then the others.
   *
   * @returns when all of them listen
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenListening = resolve
      this.#fork(1)
    })
  }

  /** Asks all that listen for their metrics. Who is gone by the time they are there has departed, and is left out. */
  async metrics(): Promise<readonly Metrics[]> {
    await Promise.all([...this.#alive].map((worker) => worker.tellMetrics()))
    return [...this.#alive].map(({ metrics }) => metrics)
  }

  /** How many connections there were when each worker told it the last time. */
  get connections(): number {
    return [...this.#alive].reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Reads the secrets again, for all. */
  reload(): void {
    const secrets = this.#files.reload()
    for (const worker of this.#alive) worker.order({ type: 'secrets', secrets })
  }

  /**
   * Lets all of them drain and end, and starts no more. One that does not end in time is killed, and what it had is cut
   * off. One that starts has nothing to drain; if it is too busy to hear the order, it is killed soon.
   */
  async drain(): Promise<DrainResult> {
    const { drainTimeout } = this.#config
    const sum = new DrainSum(this.#alive)
    this.#drain = sum
    this.#socket.close()
    for (const worker of this.#alive) worker.order({ type: 'drain' })
    const starting = setTimeout(() => this.#killThose(({ listened }) => !listened), STARTING_PATIENCE)
    const patience = drainTimeout === 0 ? MAX_TIMER : Math.min(MAX_TIMER, drainTimeout + END_PATIENCE)
    const stuck = setTimeout(() => this.kill(), patience)
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
      if (this.#alive.size === 0) resolve()
    })
    clearTimeout(starting)
    clearTimeout(stuck)
    return sum.result
  }

  /** Ends all of them at once, for good. */
  kill(): void {
    this.#killed = true
    this.#killThose(() => true)
  }

  #killThose(which: (worker: KnownWorker) => boolean): void {
    for (const worker of this.#alive) if (which(worker)) worker.kill()
  }

  #fork(number: number): void {
    const { secrets } = this.#files
    const worker = new KnownWorker({ worker: number, config: this.#config, secrets }, this.#socket)
    this.#alive.add(worker)
    worker.onListening = () => this.#listens()
    worker.onConnections = () => this.#evenness.changed()
    worker.onLeaving = () => {
      this.#log.error({ leaves: number, leavesPid: worker.pid }, 'worker accepts no more, and drains')
      this.#evenness.changed()
      this.#replace(worker)
    }
    worker.onGone = (exit) => this.#gone(worker, exit)
  }

  #listens(): void {
    this.#restarts.started()
    // Before anybody is told that they listen, and connects.
    this.#evenness.tell(false)
    const { workers } = this.#config
    if (!this.#everListened && this.#drain === undefined) {
      for (let number = 2; number <= workers; number++) this.#fork(number)
    }
    this.#everListened = true
    if (this.listening === workers) this.#whenListening()
  }

  #gone(worker: KnownWorker, exit: Exit): void {
    this.#alive.delete(worker)
    this.#evenness.changed()
    this.#listener.departed(worker.metrics)
    if (this.#drain !== undefined) {
      this.#drain.add(worker, exit)
      if (diedByItself(worker, exit)) this.#logDeath(worker, exit)
      if (this.#alive.size === 0) this.#whenEmpty()
      return
    }
    if (this.#killed) return
    const { status } = exit
    if (!this.#everListened && status !== null && SAY_WHY.has(status)) {
      this.#listener.gaveUp({ why: 'it has said why', status })
      return
    }
    this.#logDeath(worker, exit)
    if (worker.leaving) this.#forkDue()
    else this.#replace(worker)
  }

  #logDeath({ number, pid }: KnownWorker, { status, signal }: Exit): void {
    this.#log.error({ died: number, diedPid: pid, ...(signal === null ? { status } : { signal }) }, 'worker died')
  }

  #replace({ number, listened }: KnownWorker): void {
    if (this.#drain !== undefined) return
    const delay = this.#restarts.died(listened, performance.now())
    if (typeof delay === 'string') this.#listener.gaveUp({ why: delay, status: 1 })
    else {
      this.#listener.replaced()
      setTimeout(() => {
        this.#due.push(number)
        this.#forkDue()
      }, delay)
    }
  }

  /** Starts what is due, so long as there are not twice as many as there are to be: the old ones that drain count too. */
  #forkDue(): void {
    while (this.#drain === undefined && !this.#killed && this.#alive.size < 2 * this.#config.workers) {
      const number = this.#due.shift()
      if (number === undefined) return
      this.#fork(number)
    }
  }
}

/** Whether it ended otherwise than it was told to. */
function diedByItself({ summary, killed }: KnownWorker, { status }: Exit): boolean {
  return summary === undefined && !killed && status !== ExitStatus.ok
}
