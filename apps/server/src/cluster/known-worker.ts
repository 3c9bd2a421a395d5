import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CloseSummary } from '@demo/server'
import { stopWaiting } from '../log-sink.ts'
import { type Begin, LAST_WORDS, type Metrics, type ToPrimary, type ToWorker } from './messages.ts'
import type { SharedSocket } from './shared-socket.ts'

/** How long a worker may take to tell its metrics, in milliseconds. After that, what it told the last time stands. */
const TELL_PATIENCE = 1000

/** How long what a worker said last may take to arrive once it has ended, in milliseconds. */
const LAST_WORDS_PATIENCE = 1000

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

/** How a process ended. */
export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** One worker, as its primary knows it. */
export class KnownWorker {
  readonly number: number
  readonly #process: ChildProcess
  /** Whether it has ever listened. */
  listened = false
  /** Whether it has stopped accepting by itself. */
  leaving = false
  /** What it has told of itself the last time. */
  metrics: Metrics = []
  connections = 0
  /** When it was heard the last time, in milliseconds on the monotonic clock. */
  heardAt = performance.now()
  /** What came of its drain. */
  summary: CloseSummary | undefined
  /** Whether it was ended by {@link kill}. */
  killed = false
  onListening: () => void = () => {}
  onConnections: () => void = () => {}
  onLeaving: () => void = () => {}
  /** Called once, when everything that it said has been heard. */
  onGone: (exit: Exit) => void = () => {}
  #toldFewest: number | undefined
  #requests = LAST_WORDS
  /** The request that it has not answered, also when nobody waits for it any more. */
  #unanswered: number | undefined
  /** Called for each request that was answered. */
  readonly #asked = new Map<number, () => void>()

  constructor(begin: Omit<Begin, 'type'>, { fd }: SharedSocket) {
    this.number = begin.worker
    const child = fork(WORKER, [], {
      // Among the metrics are numbers that JSON does not know; secrets are bytes.
      serialization: 'advanced',
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', fd],
      execArgv: process.execArgv.map(withOwnInspector),
    })
    stopWaiting()
    this.#process = child
    child.on('message', (message: ToPrimary) => this.#hear(message))
    // A worker that dies takes its channel with it; its end is told by its exit.
    child.on('error', () => child.pid === undefined && this.#gone({ status: null, signal: null }))
    child.once('exit', (status, signal) => {
      if (!child.connected) return this.#gone({ status, signal })
      const late = setTimeout(() => this.#gone({ status, signal }), LAST_WORDS_PATIENCE)
      child.once('disconnect', () => {
        clearTimeout(late)
        this.#gone({ status, signal })
      })
    })
    this.order({ type: 'begin', ...begin })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Whether it takes connections. */
  get accepting(): boolean {
    return this.listened && !this.leaving
  }

  order(order: ToWorker): void {
    if (this.#process.connected) this.#process.send(order, () => {})
  }

  /** Tells it what the emptiest of the others has, if it does not know. */
  tellFewest(connections: number, again: boolean): void {
    if (connections === this.#toldFewest && !again) return
    this.#toldFewest = connections
    this.order({ type: 'fewest', connections })
  }

  /** Asks it for its metrics; one that does not listen yet, or does not answer in time, gives those of before. */
  tellMetrics(): Promise<Metrics> {
    // What one that is stuck does not read would pile up here: it is asked again when it has answered.
    const unheard = this.#unanswered !== undefined
    if (!this.listened || !this.#process.connected || unheard) return Promise.resolve(this.metrics)
    const request = ++this.#requests
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late)
        this.#asked.delete(request)
        resolve(this.metrics)
      }
      const late = setTimeout(done, TELL_PATIENCE)
      this.#asked.set(request, done)
      this.#unanswered = request
      this.order({ type: 'tell', request })
    })
  }

  kill(): void {
    this.killed = true
    this.#process.kill('SIGKILL')
  }

  #gone(exit: Exit): void {
    for (const done of this.#asked.values()) done()
    this.onGone(exit)
    this.onGone = () => {}
  }

  #hear(message: ToPrimary): void {
    this.heardAt = performance.now()
    switch (message.type) {
      case 'listening':
        this.listened = true
        this.onListening()
        break
      case 'connections':
        this.connections = message.connections
        this.onConnections()
        break
      case 'metrics':
        this.metrics = message.metrics
        this.connections = message.connections
        if (message.request === this.#unanswered) this.#unanswered = undefined
        this.#asked.get(message.request)?.()
        break
      case 'leaving':
        this.leaving = true
        this.onLeaving()
        break
      case 'drained':
        this.summary = message.summary
        break
    }
  }
}

/** The port of the primary's inspector is taken: each worker picks a free one. */
function withOwnInspector(flag: string): string {
  return flag.replace(/^(--inspect(?:-brk|-wait)?)(?:=.*)?$/, '$1=0')
}
