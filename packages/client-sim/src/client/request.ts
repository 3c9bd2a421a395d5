import { type Abortable, listenTo, stopListening } from '../connection/abort-signals.ts'
import type { Deadline, DeadlineList } from './deadlines.ts'

/** What a request calls when its time limit passes or its signal aborts. */
export interface RequestOwner {
  timedOut(request: Request): void
  giveUp(request: Request, reason: unknown): void
}

/** One Submit, from `submit` to its answer. */
export class Request implements Abortable, Deadline {
  readonly payload: Uint8Array
  /** The length of its payload when it was submitted, in bytes. */
  readonly size: number
  readonly timeout: number
  readonly onSent: ((id: string, frameLength: number) => void) | undefined
  sent = false
  /** The promise is settled: a response that comes later has no effect. */
  settled = false
  /** Whether the window had no room when it was submitted. */
  waits = false

  /** Its neighbours in the queue. */
  older: Request | undefined = undefined
  younger: Request | undefined = undefined

  deadline = 0
  list: DeadlineList | undefined = undefined
  earlier: Deadline | undefined = undefined
  later: Deadline | undefined = undefined

  readonly #resolve: (result: number) => void
  readonly #reject: (error: unknown) => void
  readonly #owner: RequestOwner
  readonly #signal: AbortSignal | undefined

  constructor(
    owner: RequestOwner,
    payload: Uint8Array,
    timeout: number,
    signal: AbortSignal | undefined,
    onSent: ((id: string, frameLength: number) => void) | undefined,
    resolve: (result: number) => void,
    reject: (error: unknown) => void,
  ) {
    this.#owner = owner
    this.payload = payload
    this.size = payload.length
    this.timeout = timeout
    this.onSent = onSent
    this.#resolve = resolve
    this.#reject = reject
    this.#signal = signal
    if (signal !== undefined) listenTo(signal, this)
  }

  aborted(reason: unknown): void {
    this.#owner.giveUp(this, reason)
  }

  passed(): void {
    this.#owner.timedOut(this)
  }

  succeed(result: number): void {
    this.#settle()
    this.#resolve(result)
  }

  fail(error: unknown): void {
    this.#settle()
    this.#reject(error)
  }

  /** Ends its time limit, and stops listening to its signal. */
  #settle(): void {
    this.settled = true
    this.list?.remove(this)
    if (this.#signal !== undefined) stopListening(this.#signal, this)
  }
}
