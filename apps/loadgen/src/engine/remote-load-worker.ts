import { Worker } from 'node:worker_threads'
import { ClientError, type ClientErrorCode } from '@demo/client-sim'
import type { Limit, LoadWorker, ProgressSample, WorkerOutcome, WorkerPlan } from './load-worker.ts'

/** A call of a worker's method, as it is sent to the thread. */
export interface Call {
  readonly id: number
  readonly method: keyof LoadWorker
  readonly args: readonly unknown[]
}

/** An error, as the thread sends it. */
export interface ThrownInThread {
  readonly kind: 'client' | 'other'
  readonly stack?: string | undefined
  readonly message: string
  readonly code?: ClientErrorCode
  readonly dialect?: 'specification' | 'go-demo' | undefined
  /** The system error behind it: `EMFILE`. */
  readonly systemCode?: string | undefined
}

/** A message from the thread: a sample, or the result of a call. */
export type FromThread =
  | { readonly sample: ProgressSample }
  | { readonly id: number; readonly value?: unknown; readonly error?: ThrownInThread }

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** One worker's load, in another thread. */
export class RemoteLoadWorker implements LoadWorker {
  readonly #worker: Worker
  readonly #calls = new Map<number, Pending>()
  #lastId = 0
  /** Why the thread has ended, once it has. */
  #gone: Error | undefined

  constructor(plan: WorkerPlan, onSample: (sample: ProgressSample) => void) {
    // The build puts both files into one folder.
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: plan })
    this.#worker.on('message', (message: FromThread) => {
      if ('sample' in message) onSample(message.sample)
      else this.#settle(message.id, message.value, message.error)
    })
    this.#worker.once('error', (error) => this.#lose(error))
    this.#worker.once('exit', () => this.#lose(new Error('a worker thread has ended')))
  }

  async connect(): Promise<void> {
    await this.#call('connect')
  }

  async begin(): Promise<void> {
    await this.#call('begin')
  }

  async count(limit: Limit): Promise<void> {
    await this.#call('count', limit)
  }

  async done(): Promise<string | undefined> {
    return (await this.#call('done')) as string | undefined
  }

  async stop(): Promise<void> {
    await this.#call('stop')
  }

  async soFar(): Promise<WorkerOutcome> {
    return (await this.#call('soFar')) as WorkerOutcome
  }

  async finish(): Promise<WorkerOutcome> {
    const outcome = await this.#call('finish')
    // Pending calls are dropped: the load is over.
    this.#calls.clear()
    await this.#worker.terminate()
    return outcome as WorkerOutcome
  }

  #call(method: keyof LoadWorker, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    const id = ++this.#lastId
    const call: Call = { id, method, args }
    this.#worker.postMessage(call)
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }))
  }

  #settle(id: number, value: unknown, error: ThrownInThread | undefined): void {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(asError(error))
  }

  #lose(error: Error): void {
    this.#gone ??= error
    for (const { reject } of this.#calls.values()) reject(this.#gone)
    this.#calls.clear()
  }
}

function asError({ kind, message, code, dialect, systemCode, stack }: ThrownInThread): Error {
  if (kind === 'client' && code !== undefined) {
    const cause = systemCode === undefined ? undefined : Object.assign(new Error(message), { code: systemCode })
    return new ClientError(code, message, { dialect, cause })
  }
  // A bug keeps the stack of the thread.
  return Object.assign(new Error(message), stack === undefined ? {} : { stack })
}
