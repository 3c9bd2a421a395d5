import { CommandId, type ConnView, type SubmitView } from '@demo/packet'
import type { MutableCounters } from './counters.ts'
import { notAResult, type Result, resultOf, whenSettled } from './handlers.ts'
import { PendingList, PendingRequest } from './pending-list.ts'
import type { Request } from './request-context.ts'
import { HandlerTimeoutError } from './server-errors.ts'

/** What a session does about its requests in flight. */
export interface InFlightListener {
  /** There is something to answer again. `soon`: it was read just now, so the answer need not wait for others. */
  settled(soon: boolean): void
  /** A handler rejected, gave what is no result, or overran its time. Its request is answered with 1. */
  failed(error: unknown): void
}

/** The requests of one session whose handlers are asynchronous, from their start until they are answered. */
export class InFlight {
  readonly #handlerTimeout: number
  readonly #counters: MutableCounters
  readonly #listener: InFlightListener
  readonly #pending = new PendingList()
  /** Settled, and not answered yet. */
  readonly #settled: PendingRequest[] = []
  /** Handlers were started since the last answers: the first to settle need not wait for the turn to end. */
  #justStarted = false
  #abandoned = false

  constructor(handlerTimeout: number, counters: MutableCounters, listener: InFlightListener) {
    this.#handlerTimeout = handlerTimeout
    this.#counters = counters
    this.#listener = listener
  }

  /** How many have not settled. */
  get size(): number {
    return this.#pending.size
  }

  /** How many have not been answered, those that have settled included. */
  get unanswered(): number {
    return this.#pending.size + this.#settled.length
  }

  /**
   * Waits for what a handler gave.
   *
   * @param startedAt in milliseconds on the monotonic clock
   * @param context what the handler was given beside the packet, if it takes that
   */
  start(
    request: ConnView | SubmitView,
    outcome: PromiseLike<unknown>,
    startedAt: number,
    context: Request<unknown> | undefined,
  ): void {
    const pending = new PendingRequest(request, startedAt, context)
    this.#pending.add(pending)
    this.#counters.inFlight += 1
    this.#justStarted = true
    whenSettled(
      outcome,
      (value) => this.#fulfilled(pending, value),
      (error) => this.#failed(pending, error),
    )
  }

  /**
   * Hands out what has settled, until there is no room.
   *
   * @param answer answers one, and says whether there is room for another
   * @param answered told how many were answered of those that started together
   */
  answerSettled(
    answer: (request: ConnView | SubmitView, result: Result) => boolean,
    answered: (startedAt: number, count: number) => void,
  ): void {
    const settled = this.#settled
    if (settled.length === 0) return
    this.#justStarted = false
    let count = 0
    let together = 0
    let room = true
    while (room && count < settled.length) {
      const { request, result = 1, startedAt } = settled[count]
      room = answer(request, result)
      count += 1
      together += 1
      if (room && settled[count]?.startedAt === startedAt) continue
      answered(startedAt, together)
      together = 0
    }
    // Emptied, not replaced: with a new array each time half of all garbage outlives two scavenges, and async handlers
    // are answered at a third of the speed.
    if (count === settled.length) settled.length = 0
    else settled.splice(0, count)
  }

  /** Answers with 1 for the handlers that have taken too long. `now` is in milliseconds on the monotonic clock. */
  giveUpOverdue(now: number): void {
    for (let { oldest } = this.#pending; oldest !== undefined; { oldest } = this.#pending) {
      if (now - oldest.startedAt < this.#handlerTimeout) return
      this.#giveUp(oldest, this.#handlerTimeout)
    }
  }

  /** Answers with 1 for the only handler there is, which did not settle within a limit in milliseconds. */
  giveUpConn(limit: number): void {
    const { oldest } = this.#pending
    if (oldest !== undefined) this.#giveUp(oldest, limit)
  }

  #giveUp(pending: PendingRequest, limit: number): void {
    const error = new HandlerTimeoutError(nameOfHandler(pending.request), limit, 'its request is answered with 1')
    this.#failed(pending, error)
    pending.context?.abort(error)
  }

  /** The connection is gone: no request is answered any more, and the handlers that have not settled are to stop. */
  abandon(reason: () => Error): void {
    this.#abandoned = true
    this.#counters.unanswered += this.unanswered
    this.#counters.inFlight -= this.#pending.size
    this.#settled.length = 0
    for (let pending = this.#pending.oldest; pending !== undefined; pending = pending.next) {
      pending.context?.abort(reason())
    }
  }

  #fulfilled(pending: PendingRequest, value: unknown): void {
    const result = resultOf(value)
    if (result !== undefined) this.#finish(pending, result)
    else this.#failed(pending, notAResult(nameOfHandler(pending.request), value))
  }

  /** A handler failed; one that was given up has been reported already. */
  #failed(pending: PendingRequest, error: unknown): void {
    if (pending.result !== undefined) return
    this.#listener.failed(error)
    this.#finish(pending, 1)
  }

  /** A handler settled, or was given up. */
  #finish(pending: PendingRequest, result: Result): void {
    if (pending.result !== undefined || this.#abandoned) return
    pending.result = result
    this.#pending.remove(pending)
    this.#counters.inFlight -= 1
    this.#settled.push(pending)
    if (this.#settled.length === 1) this.#listener.settled(this.#justStarted)
  }
}

/** The name of the handler that a request is for. */
export function nameOfHandler(request: ConnView | SubmitView): string {
  return request.command === CommandId.Conn ? 'onConn' : 'onSubmit'
}
