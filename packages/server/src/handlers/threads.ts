import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import type { SubmitView } from '@demo/packet'
import type { RequestContext } from '../api/request-context.ts'
import type { Result } from '../api/result.ts'
import { quote } from '../internal/format-value.ts'
import { type IntegerRange, isInteger, MAX_COUNT } from '../internal/integer-range.ts'
import { MAX_TIMER } from '../internal/timers.ts'
import { Order } from './order.ts'
import { ThreadsError } from './thread-errors.ts'
import { ThreadPool } from './thread-pool.ts'

export type { ThreadsErrorCode } from './thread-errors.ts'
export { ThreadsError }

/** A Submit as a handler in a thread gets it. Its payload is a copy. */
export interface ThreadSubmit {
  readonly command: number
  readonly id: string
  readonly payload: Uint8Array<ArrayBuffer>
  readonly payloadLength: number
}

/** The context of a request in a thread. */
export interface ThreadContext {
  readonly id: string
  /** The part of a session that a thread gets: without `data` and without methods. */
  readonly session: { readonly id: number; readonly remoteAddress: string | undefined; readonly authenticated: boolean }
  /**
   * Aborts like `context.signal` outside of threads. `aborted` is true as soon as the main thread has aborted it, also in a
   * loop that does not await.
   */
  readonly signal: AbortSignal
  /** On the thread's own clock of `performance.now()`. */
  readonly deadline: number
  /** On the thread's own clock of `performance.now()`. */
  readonly receivedAt: number
}

/** What a handler module for threads exports: as its default, as `{ onSubmit }` in its default, or as `onSubmit`. */
export type ThreadHandler = (
  submit: ThreadSubmit,
  context: ThreadContext,
) => Result | undefined | void | Promise<number | undefined | void>

/** Options of {@link inThreads}. Times in milliseconds; 0 switches a limit off. */
export interface ThreadsOptions {
  /** @default the number of CPUs, minus one for the main thread; at least 1 */
  threads?: number

  /**
   * How many requests may wait for a thread. One more is answered with 1 at once, and `onError` gets
   * `ERR_THREADS_QUEUE_FULL`.
   *
   * @default 1024
   */
  maxQueue?: number

  /**
   * Whether the answers of one session leave in the order of its requests.
   *
   * @default false: as the handlers settle
   */
  ordered?: boolean

  /**
   * How long a handler may run after its signal has aborted. Then its thread is ended and replaced.
   *
   * @default 1000
   */
  abortGrace?: number

  /**
   * How long the module may take to load when the threads start.
   *
   * @default 10000
   */
  loadTimeout?: number

  /** Limits of the memory of each thread. A thread that exceeds them dies, and is replaced. */
  resourceLimits?: ResourceLimits

  /**
   * A thread died while it had no request. It is replaced.
   *
   * @default a process warning
   */
  onIdleDeath?: (error: Error) => void
}

/** Plain numbers about the threads. */
export interface ThreadsStats {
  /** Requests that run in a thread now. */
  readonly running: number
  /** Requests that wait for a thread now. */
  readonly waiting: number
  /** Requests that a thread has finished, with or without success. */
  readonly completed: number
  /** Threads that died, or were ended because a handler ignored its signal. */
  readonly ended: number
}

/** An `onSubmit` that runs in threads. */
export interface ThreadedHandler {
  (submit: SubmitView, context: RequestContext): Promise<Result>
  readonly stats: ThreadsStats
  /** Takes no new requests, waits for those it has, and ends the threads. Close the server first. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const NUMBERS = {
  threads: { min: 1, max: 1024, defaultValue: Math.max(1, availableParallelism() - 1) },
  maxQueue: { min: 0, max: MAX_COUNT, defaultValue: 1024 },
  abortGrace: { min: 0, max: MAX_TIMER, defaultValue: 1000 },
  loadTimeout: { min: 0, max: MAX_TIMER, defaultValue: 10_000 },
} as const satisfies Record<string, IntegerRange>
const KNOWN: ReadonlySet<string> = new Set([...Object.keys(NUMBERS), 'ordered', 'resourceLimits', 'onIdleDeath'])

/** From this thread's `performance.now()` to the clock that all threads share. */
const CLOCK_OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/**
 * Runs a handler module in worker threads.
 *
 * @param url of the module: `new URL('./handler.js', import.meta.url)`
 * @returns the handler, once every thread has loaded the module
 * @throws ThreadsError with `ERR_THREADS_OPTION`, or with `ERR_THREADS_LOAD` when the module cannot be loaded
 */
export async function inThreads(url: URL | string, options: ThreadsOptions = {}): Promise<ThreadedHandler> {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw invalid(name, `no such option; expected one of ${[...KNOWN].join(', ')}`)
  }
  if (!URL.canParse(String(url)))
    throw invalid(`url ${quote(String(url))}`, "expected one like new URL('./x.js', import.meta.url)")
  const { ordered = false, resourceLimits, onIdleDeath = warn } = options
  if (typeof ordered !== 'boolean') throw invalid(`ordered ${quote(ordered)}`, 'expected true or false')
  if (typeof onIdleDeath !== 'function') throw invalid(`onIdleDeath ${quote(onIdleDeath)}`, 'expected a function')
  if (resourceLimits !== undefined && (typeof resourceLimits !== 'object' || resourceLimits === null)) {
    throw invalid(`resourceLimits ${quote(resourceLimits)}`, 'expected an object')
  }
  const maxQueue = checkNumber('maxQueue', options) || Number.POSITIVE_INFINITY
  const pool = new ThreadPool(
    String(url),
    {
      threads: checkNumber('threads', options),
      maxQueue,
      abortGrace: checkNumber('abortGrace', options),
      loadTimeout: checkNumber('loadTimeout', options),
      resourceLimits,
    },
    onIdleDeath,
  )
  await pool.load()
  const order = ordered ? new Order<object>() : undefined

  const onSubmit = (submit: SubmitView, context: RequestContext): Promise<Result> => {
    const { session, id, signal, deadline, receivedAt } = context
    const message = {
      command: submit.command,
      id,
      // A copy, because the packet lies in a whole chunk. It is transferred to the thread, not copied again.
      payload: new Uint8Array(submit.payload),
      session: { id: session.id, remoteAddress: session.remoteAddress, authenticated: session.authenticated },
      deadline: deadline + CLOCK_OFFSET,
      receivedAt: receivedAt + CLOCK_OFFSET,
    }
    const result = pool.run(message, signal)
    return order === undefined ? result : order.hold(session, result)
  }
  const close = () => pool.close()
  const handler = Object.assign(onSubmit, { close, [Symbol.asyncDispose]: close })
  return Object.defineProperty(handler, 'stats', { get: () => pool.stats }) as typeof handler & { stats: ThreadsStats }
}

function checkNumber(name: keyof typeof NUMBERS, options: ThreadsOptions): number {
  const { min, max, defaultValue } = NUMBERS[name]
  const value = options[name] ?? defaultValue
  if (isInteger(value, { min, max })) return value
  throw invalid(`${name} ${quote(value)}`, `expected an integer from ${min} to ${max}`)
}

function invalid(what: string, expected: string): ThreadsError {
  return new ThreadsError('ERR_THREADS_OPTION', `inThreads: invalid ${what}: ${expected}`)
}

function warn(error: Error): void {
  process.emitWarning(`${error.message}; it is replaced`, 'HandlerThreadWarning')
}
