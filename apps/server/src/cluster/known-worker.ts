import type { Worker } from 'node:cluster'
import type { CloseSummary, ServerAddress } from '@demo/server'
import { LAST_WORDS, type Metrics, type ToPrimary, type ToWorker } from './messages.ts'

/** How long a worker may take to tell its metrics, in milliseconds. After that, what it told the last time stands. */
const TELL_PATIENCE = 1000

/** One worker, as its primary knows it. */
export class KnownWorker {
  readonly number: number
  readonly #process: Worker
  /** Where it listens, once it does. */
  address: ServerAddress | undefined
  /** What it has told of itself the last time. */
  metrics: Metrics = []
  connections = 0
  /** What came of its drain. */
  summary: CloseSummary | undefined
  /** Whether it hears what it is told. */
  started = false
  onStarted: () => void = () => {}
  onListening: () => void = () => {}
  #requests = LAST_WORDS
  /** Called for each request that was answered. */
  readonly #asked = new Map<number, () => void>()

  constructor(number: number, process: Worker) {
    this.number = number
    this.#process = process
    process.on('message', (message: ToPrimary) => this.#hear(message))
    // A worker that dies takes its channel with it; its end is told by its exit.
    process.on('error', () => {})
    process.once('exit', () => {
      for (const done of this.#asked.values()) done()
    })
  }

  get pid(): number | undefined {
    return this.#process.process.pid
  }

  order(order: ToWorker): void {
    if (this.#process.isConnected()) this.#process.send(order, () => {})
  }

  /** Asks it for its metrics; one that does not listen yet, or does not answer in time, gives those of before. */
  tellMetrics(): Promise<Metrics> {
    if (this.address === undefined) return Promise.resolve(this.metrics)
    const request = ++this.#requests
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late)
        this.#asked.delete(request)
        resolve(this.metrics)
      }
      const late = setTimeout(done, TELL_PATIENCE)
      this.#asked.set(request, done)
      this.order({ type: 'tell', request })
    })
  }

  kill(): void {
    this.#process.process.kill('SIGKILL')
  }

  #hear(message: ToPrimary): void {
    switch (message.type) {
      case 'started':
        this.started = true
        this.onStarted()
        break
      case 'listening':
        this.address = message.address
        this.onListening()
        break
      case 'connections':
        this.connections = message.connections
        break
      case 'metrics':
        this.metrics = message.metrics
        this.connections = message.connections
        this.#asked.get(message.request)?.()
        break
      case 'drained':
        this.summary = message.summary
        break
    }
  }
}
