import cluster, { type Worker } from 'node:cluster'
import { ExitStatus } from '@demo/cli'
import type { CloseSummary, ServerAddress } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from '../flags.ts'
import { CANNOT_LISTEN } from '../listening.ts'
import type { SecretFiles } from '../secrets.ts'
import { KnownWorker } from './known-worker.ts'
import type { Metrics } from './messages.ts'
import { Restarts } from './restarts.ts'
import { HANDED_OVER, type HandedOver } from './worker.ts'

/** How much longer than the drain a worker may take to end, in milliseconds. */
const END_PATIENCE = 3000

/** The longest that a timer of Node can wait, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1

/** The exit statuses of a worker that has said itself what is wrong, in its one line. */
const SAY_WHY: ReadonlySet<number> = new Set([ExitStatus.usage, CANNOT_LISTEN])

/** What is told of workers. */
export interface WorkersListener {
  /** A worker is gone; this is the last that it told. */
  departed(last: Metrics): void
  /** A worker died, and another takes its place. */
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
  readonly #restarts = new Restarts()
  readonly #alive = new Map<number, KnownWorker>()
  readonly #summaries: CloseSummary[] = []
  /** Called at each worker that listens, or is gone. */
  #changed: (worker: KnownWorker) => void = () => {}
  #everListened = false
  #draining = false

  constructor(config: Config, files: SecretFiles, log: Logger, listener: WorkersListener) {
    this.#config = config
    this.#files = files
    this.#log = log
    this.#listener = listener
    // Among the metrics are numbers that JSON does not know; secrets are bytes.
    cluster.setupPrimary({ serialization: 'advanced' })
  }

  /** How many listen now. */
  get listening(): number {
    return [...this.#alive.values()].filter(({ address }) => address !== undefined).length
  }

  /**
   * Starts them: one alone, so that what is wrong is said once, then the others.
   *
   * @returns where they listen, once all do
   */
  start(): Promise<ServerAddress> {
    const { workers } = this.#config
    return new Promise((resolve) => {
      this.#changed = ({ address }) => {
        if (address === undefined) return
        for (let number = 2; !this.#everListened && number <= workers; number++) this.#fork(number)
        this.#everListened = true
        if (this.listening === workers) resolve(address)
      }
      this.#fork(1)
    })
  }

  /** Asks all that listen for their metrics. Who is gone by the time they are there has departed, and is left out. */
  async metrics(): Promise<readonly Metrics[]> {
    await Promise.all([...this.#alive.values()].map((worker) => worker.tellMetrics()))
    return [...this.#alive.values()].map(({ metrics }) => metrics)
  }

  /** How many connections there were when each worker told it the last time. */
  get connections(): number {
    return [...this.#alive.values()].reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Reads the secrets again, for all. Whoever has not asked for them yet gets the new ones when it does. */
  reload(): void {
    const secrets = this.#files.reload()
    for (const worker of this.#alive.values()) if (worker.started) worker.order({ type: 'secrets', secrets })
  }

  /** Lets all of them drain and end. One that does not in time is killed, and what it had is cut off. */
  async drain(): Promise<CloseSummary> {
    const startedAt = performance.now()
    const { drainTimeout } = this.#config
    this.#draining = true
    for (const worker of this.#alive.values()) worker.order({ type: 'drain' })
    const patience = drainTimeout === 0 ? MAX_TIMER : Math.min(MAX_TIMER, drainTimeout + END_PATIENCE)
    const stuck = setTimeout(() => this.kill(), patience)
    await new Promise<void>((resolve) => {
      this.#changed = () => this.#alive.size === 0 && resolve()
      if (this.#alive.size === 0) resolve()
    })
    clearTimeout(stuck)
    const sum = (read: (summary: CloseSummary) => number) => this.#summaries.map(read).reduce((a, b) => a + b, 0)
    return {
      connections: sum(({ connections }) => connections),
      cutOff: sum(({ cutOff }) => cutOff),
      unanswered: sum(({ unanswered }) => unanswered),
      duration: performance.now() - startedAt,
    }
  }

  /** Ends all of them at once. */
  kill(): void {
    for (const worker of this.#alive.values()) worker.kill()
  }

  #fork(number: number): void {
    const handedOver: HandedOver = { worker: number, config: this.#config }
    const forked: Worker = cluster.fork({ [HANDED_OVER]: JSON.stringify(handedOver) })
    const worker = new KnownWorker(number, forked)
    this.#alive.set(number, worker)
    worker.onStarted = () => worker.order({ type: 'secrets', secrets: this.#files.secrets })
    worker.onListening = () => {
      this.#restarts.started()
      this.#changed(worker)
    }
    forked.once('exit', (status, signal) => this.#gone(worker, status, signal))
  }

  #gone(worker: KnownWorker, status: number | null, signal: string | null): void {
    const { number, pid } = worker
    this.#alive.delete(number)
    this.#listener.departed(worker.metrics)
    if (worker.summary !== undefined) this.#summaries.push(worker.summary)
    if (this.#draining) {
      if (worker.summary === undefined) this.#summaries.push(cutOff(worker))
      this.#changed(worker)
      return
    }
    if (!this.#everListened && status !== null && SAY_WHY.has(status)) {
      this.#listener.gaveUp({ why: 'it has said why', status })
      return
    }
    this.#log.error({ died: number, diedPid: pid, ...(signal === null ? { status } : { signal }) }, 'worker died')
    const delay = this.#restarts.died(worker.address !== undefined, performance.now())
    if (typeof delay === 'string') this.#listener.gaveUp({ why: delay, status: 1 })
    else {
      this.#listener.replaced()
      setTimeout(() => this.#draining || this.#fork(number), delay)
    }
  }
}

/** What is told of a worker that ended without a word: all that it had is lost. */
function cutOff({ connections }: KnownWorker): CloseSummary {
  const lost = Math.max(1, connections)
  return { connections: lost, cutOff: lost, unanswered: 0, duration: 0 }
}
