import { EventEmitter } from 'node:events'
import type { ResourceLimits } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Result } from '../api/result.ts'
import { messageOf } from '../internal/format-value.ts'
import { revive, ThreadsError } from './thread-errors.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

export interface ThreadPoolOptions {
  readonly threads: number
  /** Infinity without a limit. */
  readonly maxQueue: number
  readonly abortGrace: number
  readonly loadTimeout: number
  readonly resourceLimits: ResourceLimits | undefined
}

interface Job {
  readonly message: Omit<ToThread, 'slot'>
  readonly signal: AbortSignal
  readonly onAbort: () => void
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
  running: Running | undefined
}

interface Running {
  readonly slot: number
  /** Emits `abort` to have piscina end the thread. */
  readonly killer: EventEmitter
  graceTimer: NodeJS.Timeout | undefined
}

/** The values of a flag: indexes into `REASONS` in thread-entry.js. */
const TIMED_OUT = 1
const CONNECTION_CLOSED = 2

/** It is beside this file in src and in dist. */
const ENTRY = new URL('./thread-entry.js', import.meta.url).href

/**
 * Threads that run one request each, and a queue before them. It does not use piscina's queue, which is not first in, first
 * out for tasks that can be aborted, and does not show which tasks are running.
 */
export class ThreadPool {
  readonly #options: ThreadPoolOptions
  readonly #url: string
  readonly #piscina: Piscina<ToThread | null, FromThread>
  readonly #flags: Int32Array
  readonly #freeSlots: number[]
  readonly #waiting = new Set<Job>()
  #closed: Promise<void> | undefined
  #idle: () => void = () => {}
  /** Threads that are ending while others run. */
  readonly #ending = new Set<Promise<void>>()
  #destroying = false
  #completed = 0
  #ended = 0

  constructor(url: string, options: ThreadPoolOptions, onIdleDeath: (error: Error) => void) {
    const { threads, resourceLimits } = options
    this.#url = url
    this.#options = options
    this.#flags = new Int32Array(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT))
    this.#freeSlots = Array.from({ length: threads }, (_, slot) => slot)
    this.#piscina = new Piscina({
      filename: ENTRY,
      minThreads: threads,
      maxThreads: threads,
      recordTiming: false,
      // With atomics a thread without a task blocks: timers and connections of the user's module would stop.
      atomics: 'disabled',
      workerData: { url, flags: this.#flags },
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    })
    this.#piscina.on('workerDestroy', ({ id }: { id: number }) => this.#threadEnds(id))
    this.#piscina.on('error', (error: unknown) => onIdleDeath(this.#death(error)))
  }

  get stats(): {
    readonly running: number
    readonly waiting: number
    readonly completed: number
    readonly ended: number
  } {
    const running = this.#options.threads - this.#freeSlots.length
    return { running, waiting: this.#waiting.size, completed: this.#completed, ended: this.#ended }
  }

  /** Loads the module in every thread. If one fails, all threads are ended. */
  async load(): Promise<void> {
    const { threads, loadTimeout } = this.#options
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      if (loadTimeout === 0) return
      timer = setTimeout(() => reject(new Error(`it did not load within ${loadTimeout} ms`)), loadTimeout)
    })
    const loading = Array.from({ length: threads }, () => this.#piscina.run(null).then(resultOf))
    try {
      await Promise.race([Promise.all(loading), late])
    } catch (error) {
      this.#closed = Promise.allSettled(loading).then(() => {})
      await this.#destroy()
      throw this.#loadError(error)
    } finally {
      clearTimeout(timer)
    }
  }

  run(message: Omit<ToThread, 'slot'>, signal: AbortSignal): Promise<Result> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.#closed !== undefined) {
      return Promise.reject(new ThreadsError('ERR_THREADS_CLOSED', 'the handler threads are closed'))
    }
    const { maxQueue } = this.#options
    if (this.#freeSlots.length === 0 && this.#waiting.size >= maxQueue) {
      const what = `all handler threads are busy and ${maxQueue} requests are waiting: raise maxQueue or threads`
      return Promise.reject(new ThreadsError('ERR_THREADS_QUEUE_FULL', what))
    }
    return new Promise((resolve, reject) => {
      const job: Job = { message, signal, resolve, reject, onAbort: () => this.#abort(job), running: undefined }
      signal.addEventListener('abort', job.onAbort, { once: true })
      this.#waiting.add(job)
      this.#startWaiting()
    })
  }

  /** Takes no new requests, waits for those it has, and ends the threads. */
  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      this.#idle = resolve
      this.#checkIdle()
    }).then(() => this.#destroy())
    return this.#closed
  }

  /** Piscina would replace a thread that ends after it was destroyed. So it waits for the threads that are ending. */
  async #destroy(): Promise<void> {
    await Promise.all(this.#ending)
    this.#destroying = true
    await this.#piscina.destroy()
  }

  #threadEnds(id: number): void {
    if (this.#destroying) return
    this.#ended += 1
    // The ID of a thread that has ended is -1.
    const thread = this.#piscina.threads.find(({ threadId }) => threadId === id && threadId > 0)
    if (thread === undefined) return
    const ending = new Promise<void>((resolve) => {
      thread.once('exit', () => {
        this.#ending.delete(ending)
        resolve()
      })
    })
    this.#ending.add(ending)
  }

  #startWaiting(): void {
    for (const job of this.#waiting) {
      const slot = this.#freeSlots.pop()
      if (slot === undefined) return
      this.#waiting.delete(job)
      const killer = new EventEmitter()
      job.running = { slot, killer, graceTimer: undefined }
      Atomics.store(this.#flags, slot, 0)
      const { message } = job
      this.#piscina.run({ ...message, slot }, { transferList: [message.payload.buffer], signal: killer }).then(
        (outcome) => this.#settle(job, () => job.resolve(resultOf(outcome))),
        (error: unknown) => this.#settle(job, () => job.reject(this.#death(error))),
      )
    }
  }

  #settle(job: Job, settle: () => void): void {
    job.signal.removeEventListener('abort', job.onAbort)
    const { running } = job
    if (running === undefined) return
    clearTimeout(running.graceTimer)
    this.#freeSlots.push(running.slot)
    this.#completed += 1
    try {
      settle()
    } catch (error) {
      job.reject(error instanceof LoadError ? this.#loadError(error) : error)
    }
    this.#startWaiting()
    this.#checkIdle()
  }

  /** The request was answered, or needs no answer. */
  #abort(job: Job): void {
    const { running, signal } = job
    job.reject(signal.reason)
    if (running === undefined) {
      this.#waiting.delete(job)
      this.#checkIdle()
      return
    }
    const { code } = signal.reason as { code?: unknown }
    Atomics.store(this.#flags, running.slot, code === 'ERR_SERVER_HANDLER_TIMEOUT' ? TIMED_OUT : CONNECTION_CLOSED)
    Atomics.notify(this.#flags, running.slot)
    const { abortGrace } = this.#options
    if (abortGrace === 0) return
    running.graceTimer = setTimeout(() => running.killer.emit('abort'), abortGrace)
  }

  #checkIdle(): void {
    if (this.#waiting.size === 0 && this.#freeSlots.length === this.#options.threads) this.#idle()
  }

  #death(cause: unknown): ThreadsError {
    return new ThreadsError('ERR_THREADS_DIED', `a handler thread died: ${messageOf(cause)}`, cause)
  }

  #loadError(cause: unknown): ThreadsError {
    const message = `${this.#url} cannot be loaded in a thread: ${messageOf(cause)}`
    return new ThreadsError('ERR_THREADS_LOAD', message, cause)
  }
}

class LoadError extends Error {}

/** @throws what was thrown in the thread */
function resultOf(outcome: FromThread): Result {
  if (typeof outcome === 'number') return outcome
  if ('error' in outcome) throw revive(outcome.error)
  const { message, name } = outcome.loadError
  throw new LoadError(`${name}: ${message}`, { cause: revive(outcome.loadError) })
}
