import { whenSettled } from '../handlers/outcome.ts'
import type { MutableCounters } from '../observability/counters.ts'
import { type Abortable, PendingList, PendingRequest, UNSETTLED } from './pending-list.ts'

/** What requests in flight need of their session. */
export interface InFlightOwner<Request, Answer> {
  /** There is something to answer again. `soon`: it was read just now, so the answer need not wait for others. */
  settled(soon: boolean): void
  /** The answer that a handler's value stands for. @throws when it is none */
  toAnswer(value: unknown, request: Request): Answer
  /** A handler failed: it rejected, its value is no answer, or it overran its time. @returns what to answer instead */
  failed(error: unknown, request: Request): Answer
  /** What a handler that overran a limit, in milliseconds, failed with. */
  overran(request: Request, limit: number): Error
}

/** Options of {@link InFlight}. */
export interface InFlightOptions {
  /** How long a handler may take, in milliseconds; Infinity is no limit. */
  readonly handlerTimeout: number
  /** Whether answers leave in the order of their requests, and not as their handlers settle. */
  readonly ordered: boolean
}

/** The requests of one session whose handlers are asynchronous, from their start until they are answered. */
export class InFlight<Request, Answer> {
  readonly #handlerTimeout: number
  readonly #ordered: boolean
  readonly #counters: MutableCounters
  readonly #owner: InFlightOwner<Request, Answer>
  /** Those that have not settled; in order, also those that have and wait for an older one. */
  readonly #pending = new PendingList<Request, Answer>()
  /** Those that have settled and not been answered, unless {@link #ordered}. */
  readonly #settled: PendingRequest<Request, Answer>[] = []
  #unsettled = 0
  /** Handlers were started since the last answers: the first to settle need not wait for the turn to end. */
  #justStarted = false
  #abandoned = false

  constructor(options: InFlightOptions, counters: MutableCounters, owner: InFlightOwner<Request, Answer>) {
    this.#handlerTimeout = options.handlerTimeout
    this.#ordered = options.ordered
    this.#counters = counters
    this.#owner = owner
  }

  /** How many have not settled. */
  get size(): number {
    return this.#unsettled
  }

  /** How many have not been answered, those that have settled included. */
  get unanswered(): number {
    return this.#pending.size + this.#settled.length
  }

  /** How many count against the limit: in order, those too that have settled and wait for an older one. */
  get held(): number {
    return this.#ordered ? this.unanswered : this.#unsettled
  }

  /** Waits for what a handler gave. `startedAt` is in milliseconds on the monotonic clock. */
  start(request: Request, outcome: PromiseLike<unknown>, startedAt: number, context: Abortable | undefined): void {
    const pending = new PendingRequest<Request, Answer>(request, startedAt, context)
    this.#pending.add(pending)
    this.#unsettled += 1
    this.#counters.inFlight += 1
    this.#justStarted = true
    whenSettled(
      outcome,
      (value) => this.#fulfilled(pending, value),
      (error) => this.#failed(pending, error),
    )
  }

  /** Has an answer that is known already wait for those of older requests. */
  enqueue(request: Request, answer: Answer, startedAt: number): void {
    const pending = new PendingRequest<Request, Answer>(request, startedAt, undefined)
    pending.answer = answer
    this.#pending.add(pending)
  }

  /**
   * Hands out what has settled, until there is no room.
   *
   * @param answer answers one, and returns whether there is room for another
   * @param answered called with how many were answered of those that started together
   */
  answerSettled(
    answer: (request: Request, answer: Answer) => boolean,
    answered: (startedAt: number, count: number) => void,
  ): void {
    if (this.#ordered) this.#collectInOrder()
    const settled = this.#settled
    if (settled.length === 0) return
    this.#justStarted = false
    let count = 0
    let together = 0
    let room = true
    let next = settled[0]
    while (room && next !== undefined) {
      const { request, answer: settledWith, startedAt } = next
      room = answer(request, settledWith as Answer)
      count += 1
      together += 1
      next = settled[count]
      if (room && next?.startedAt === startedAt) continue
      answered(startedAt, together)
      together = 0
    }
    // Emptied, not replaced: with a new array each time half of all garbage outlives two scavenges, and async handlers
    // are answered at a third of the speed.
    if (count === settled.length) settled.length = 0
    else settled.splice(0, count)
  }

  /** Answers for the handlers that have taken too long. `now` is in milliseconds on the monotonic clock. */
  giveUpOverdue(now: number): void {
    let pending = this.#pending.oldest
    while (pending !== undefined && now - pending.startedAt >= this.#handlerTimeout) {
      // Giving it up may take it out of the list.
      const { next } = pending
      this.#giveUp(pending, this.#handlerTimeout)
      pending = next
    }
  }

  /** Answers for the only handler there is, which did not settle within a limit in milliseconds. */
  giveUpOldest(limit: number): void {
    const { oldest } = this.#pending
    if (oldest !== undefined) this.#giveUp(oldest, limit)
  }

  /** No request is answered any more: the connection is gone, or about to be. The signals of their contexts abort. */
  abandon(reason: () => Error): void {
    this.#abandoned = true
    this.#counters.unanswered += this.unanswered
    this.#counters.inFlight -= this.#unsettled
    this.#unsettled = 0
    for (let pending = this.#pending.oldest; pending !== undefined; pending = pending.next) {
      if (pending.answer === UNSETTLED) pending.context?.abort(reason())
    }
    this.#pending.clear()
    this.#settled.length = 0
  }

  #giveUp(pending: PendingRequest<Request, Answer>, limit: number): void {
    if (pending.answer !== UNSETTLED) return
    const error = this.#owner.overran(pending.request, limit)
    this.#failed(pending, error)
    pending.context?.abort(error)
  }

  #fulfilled(pending: PendingRequest<Request, Answer>, value: unknown): void {
    if (pending.answer !== UNSETTLED) return
    let answer: Answer
    try {
      answer = this.#owner.toAnswer(value, pending.request)
    } catch (error) {
      this.#failed(pending, error)
      return
    }
    this.#finish(pending, answer)
  }

  /** What comes of a handler after it was given up is not reported again. */
  #failed(pending: PendingRequest<Request, Answer>, error: unknown): void {
    if (pending.answer !== UNSETTLED) return
    this.#finish(pending, this.#owner.failed(error, pending.request))
  }

  /** A handler settled, or was given up. */
  #finish(pending: PendingRequest<Request, Answer>, answer: Answer): void {
    pending.answer = answer
    if (this.#abandoned) return
    this.#unsettled -= 1
    this.#counters.inFlight -= 1
    if (this.#ordered) {
      if (this.#pending.oldest === pending) this.#owner.settled(this.#justStarted)
      return
    }
    this.#pending.remove(pending)
    this.#settled.push(pending)
    if (this.#settled.length === 1) this.#owner.settled(this.#justStarted)
  }

  /** Moves those that have settled, up to the first that has not. */
  #collectInOrder(): void {
    for (let { oldest } = this.#pending; isSettled(oldest); { oldest } = this.#pending) {
      this.#pending.remove(oldest)
      this.#settled.push(oldest)
    }
  }
}

function isSettled<Request, Answer>(
  pending: PendingRequest<Request, Answer> | undefined,
): pending is PendingRequest<Request, Answer> {
  return pending !== undefined && pending.answer !== UNSETTLED
}
