import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CloseSummary, EngineName } from '@demo/server'
import { makeStdioNonBlocking } from '../logging/non-blocking.ts'
import { type BeginCommand, type Command, FINAL_REPORT_ID, type Metrics, type Report } from './messages.ts'
import type { SharedSocket } from './shared-socket.ts'

/** How long a worker may take to report its metrics, in milliseconds. After that, its last report is used. */
const REPORT_TIMEOUT = 1000

/** How long the last reports of a worker may take to arrive after its end, in milliseconds. */
const FINAL_REPORT_TIMEOUT = 1000

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

/** How a process ended. */
export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** The primary's side of one worker. */
export class WorkerHandle {
  readonly number: number
  readonly #process: ChildProcess
  /** Whether it has ever listened. */
  listened = false
  engine: EngineName | undefined
  /** Whether it has stopped accepting after an uncaught exception. */
  leaving = false
  /** Its last report. */
  metrics: Metrics = []
  connections = 0
  /** When its last report came, in milliseconds on the monotonic clock. */
  heardAt = performance.now()
  /** The result of its drain. */
  summary: CloseSummary | undefined
  /** Whether it was ended by {@link kill}. */
  killed = false
  onListening: () => void = () => {}
  onConnections: () => void = () => {}
  onLeaving: () => void = () => {}
  /** Called instead of all others when the system did not start the process after all. */
  onNotStarted: (error: Error) => void = () => {}
  /** Called once, after the worker has ended and all its reports were read. */
  onGone: (exit: Exit) => void = () => {}
  #sentFewest: number | undefined
  #lastRequest = FINAL_REPORT_ID
  /** The request for metrics that the worker has not answered, also after it timed out. */
  #unanswered: number | undefined
  /** Called by request ID when the request was answered. */
  readonly #waiting = new Map<number, () => void>()

  /** @throws the system's error when it cannot start a process: `ENOMEM`, … */
  constructor(begin: Omit<BeginCommand, 'type'>, { fd }: SharedSocket) {
    this.number = begin.worker
    const child = forkWorker(fd)
    this.#process = child
    child.on('message', (report: Report) => this.#receive(report))
    // Once it has started, its end comes by its exit, also when its channel fails first.
    child.on('error', (error) => child.pid === undefined && this.onNotStarted(error))
    child.once('exit', (status, signal) => {
      if (!child.connected) return this.#gone({ status, signal })
      const late = setTimeout(() => this.#gone({ status, signal }), FINAL_REPORT_TIMEOUT)
      child.once('disconnect', () => {
        clearTimeout(late)
        this.#gone({ status, signal })
      })
    })
    this.send({ type: 'begin', ...begin })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Whether it accepts connections. */
  get accepting(): boolean {
    return this.listened && !this.leaving
  }

  send(command: Command): void {
    if (this.#process.connected) this.#process.send(command, () => {})
  }

  /** @param unchanged also sends the number that was sent last */
  sendFewest(connections: number, unchanged: boolean): void {
    if (connections === this.#sentFewest && !unchanged) return
    this.#sentFewest = connections
    this.send({ type: 'fewest', connections })
  }

  /** Requests its metrics. If it does not listen yet, or does not answer in time, its last report is used. */
  requestMetrics(): Promise<Metrics> {
    // At most one request at a time: those that a stuck worker does not read would pile up in this process.
    const busy = this.#unanswered !== undefined
    if (!this.listened || !this.#process.connected || busy) return Promise.resolve(this.metrics)
    const request = ++this.#lastRequest
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late)
        this.#waiting.delete(request)
        resolve(this.metrics)
      }
      const late = setTimeout(done, REPORT_TIMEOUT)
      this.#waiting.set(request, done)
      this.#unanswered = request
      this.send({ type: 'report-metrics', request })
    })
  }

  kill(): void {
    this.killed = true
    this.#process.kill('SIGKILL')
  }

  #gone(exit: Exit): void {
    for (const done of this.#waiting.values()) done()
    this.onGone(exit)
    this.onGone = () => {}
  }

  #receive(report: Report): void {
    this.heardAt = performance.now()
    switch (report.type) {
      case 'listening':
        this.listened = true
        this.engine = report.engine
        this.onListening()
        break
      case 'connections':
        this.connections = report.connections
        this.onConnections()
        break
      case 'metrics':
        this.metrics = report.metrics
        this.connections = report.connections
        if (report.request === this.#unanswered) this.#unanswered = undefined
        this.#waiting.get(report.request)?.()
        break
      case 'leaving':
        this.leaving = true
        this.onLeaving()
        break
      case 'drained':
        this.summary = report.summary
        break
    }
  }
}

/** @throws the system's error when it cannot start a process */
function forkWorker(socket: number): ChildProcess {
  try {
    return fork(WORKER, [], {
      // Metrics have numbers that JSON does not have (NaN, Infinity); secrets are bytes.
      serialization: 'advanced',
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', socket],
      execArgv: process.execArgv.map(withOwnInspector),
    })
  } finally {
    makeStdioNonBlocking()
  }
}

/** The port of the primary's inspector is taken: each worker picks a free one. */
function withOwnInspector(flag: string): string {
  return flag.replace(/^(--inspect(?:-brk|-wait)?)(?:=.*)?$/, '$1=0')
}
