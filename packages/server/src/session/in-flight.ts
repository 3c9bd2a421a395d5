import { whenSettled } from '../handlers/outcome.ts'
import type { MutableCounters } from '../observability/counters.ts'
import { type Abortable, PendingList, type PendingRequest, SettledRequests, UNSETTLED } from './pending-list.ts'

/** What {@link InFlight} needs from its session. */
export interface InFlightOwner<Request, Answer> {
  /** Called when a request can be answered. `soon`: it was just read, so its answer need not wait for others. */
  settled(soon: boolean): void
  /** The answer that a handler's value means. @throws if it means none */
  toAnswer(value: unknown, request: Request): Answer
  /** Called when a handler rejected, gave an invalid answer, or overran its time. @returns the answer instead */
  failed(error: unknown, request: Request): Answer
  /** The error for a handler that overran a limit, in milliseconds. */
  overran(request: Request, limit: number): Error
}

/** Options of {@link InFlight}. */
export interface InFlightOptions {
  /** How long a handler may take, in milliseconds; Infinity: no limit. */
  readonly handlerTimeout: number
  /** Whether answers leave in the order of their requests. Otherwise they leave as their handlers settle. */
  readonly ordered: boolean
}

/** The requests of one session with asynchronous handlers, from their start until they are answered. */
export class InFlight<Request, Answer> {
  readonly #handlerTimeout: number
  readonly #ordered: boolean
  readonly #counters: MutableCounters
  readonly #owner: InFlightOwner<Request, Answer>
  /** Requests that have not settled; if ordered, also those that have settled and wait for an older one. */
  readonly #pending = new PendingList<Request, Answer>()
  /** Requests that have settled and can be answered now. */
  #settled: SettledRequests<Request, Answer> | undefined
  #unanswered = 0
  #unsettled = 0
  /** Whether handlers were started since the last answers: the first to settle need not wait for the end of the turn. */
  #justStarted = false
  #abandoned = false

  constructor(options: InFlightOptions, counters: MutableCounters, owner: InFlightOwner<Request, Answer>) {
    this.#handlerTimeout = options.handlerTimeout
    this.#ordered = options.ordered
    this.#counters = counters
    this.#owner = owner
  }

  /** How many requests have not settled. */
  get size(): number {
    return this.#unsettled
  }

  /** How many requests have not been answered, including settled ones. */
  get unanswered(): number {
    return this.#unanswered
  }

  /** How many count towards the limit: if ordered, also those that have settled and wait for an older one. */
  get held(): number {
    return this.#ordered ? this.#unanswered : this.#unsettled
  }

  /** Waits for the promise of a handler. @param startedAt in milliseconds on the monotonic clock */
  start(request: Request, outcome: PromiseLike<unknown>, startedAt: number, context: Abortable | undefined): void {
    const pending = this.#pending.add(request, startedAt, context)
    this.#unanswered += 1
    this.#unsettled += 1
    this.#counters.inFlight += 1
    this.#justStarted = true
    whenSettled(
      outcome,
      (value) => this.#fulfilled(pending, value),
      (error) => this.#failed(pending, error),
    )
  }

  /** Adds a request whose answer is known, but waits for older ones. */
  enqueue(request: Request, answer: Answer, startedAt: number): void {
    this.#pending.add(request, startedAt, undefined).answer = answer
    this.#unanswered += 1
  }

  /**
   * Answers the settled requests, until there is no room.
   *
   * @param answer answers one, and returns whether there is room for another
   * @param answered called with the number of answers to requests that started together
   */
  answerSettled(
    answer: (request: Request, answer: Answer) => boolean,
    answered: (startedAt: number, count: number) => void,
  ): void {
    if (this.#ordered) this.#collectInOrder()
    const settled = this.#settled
    if (settled === undefined) return
    this.#justStarted = false
    let together = 0
    let room = true
    let next = settled.first
    while (room && next !== undefined) {
      const { request, answer: settledWith, group } = next
      room = answer(request, settledWith as Answer)
      this.#unanswered -= 1
      together += 1
      next = next.next
      if (room && next?.group === group) continue
      answered(group.startedAt, together)
      together = 0
    }
    settled.first = next
    if (next === undefined) this.#settled = undefined
  }

  /** Fails the requests whose handlers overran their time. @param now in milliseconds on the monotonic clock */
  giveUpOverdue(now: number): void {
    let pending = this.#pending.oldest
    while (pending !== undefined && now - pending.group.startedAt >= this.#handlerTimeout) {
      // Giving it up may remove it from the list.
      const next = this.#pending.after(pending)
      this.#giveUp(pending, this.#handlerTimeout)
      pending = next
    }
  }

  /** Fails the oldest request: its handler did not settle within a limit, in milliseconds. */
  giveUpOldest(limit: number): void {
    const { oldest } = this.#pending
    if (oldest !== undefined) this.#giveUp(oldest, limit)
  }

  /** Gives up all requests, because the connection is closed or is about to be. The signals of their contexts abort. */
  abandon(reason: () => Error): void {
    this.#abandoned = true
    this.#counters.unanswered += this.unanswered
    this.#counters.inFlight -= this.#unsettled
    this.#unsettled = 0
    for (let pending = this.#pending.oldest; pending !== undefined; pending = this.#pending.after(pending)) {
      if (pending.answer === UNSETTLED) pending.context?.abort(reason())
    }
    this.#pending.clear()
    this.#settled = undefined
    this.#unanswered = 0
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

  /** The outcome of a handler that was given up is ignored. */
  #failed(pending: PendingRequest<Request, Answer>, error: unknown): void {
    if (pending.answer !== UNSETTLED) return
    this.#finish(pending, this.#owner.failed(error, pending.request))
  }

  /** Sets the answer of a request whose handler settled or was given up. */
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
    if (this.#settled !== undefined) this.#settled.add(pending)
    else {
      this.#settled = new SettledRequests()
      this.#settled.add(pending)
      this.#owner.settled(this.#justStarted)
    }
  }

  /** Moves the settled requests, up to the first that has not settled. */
  #collectInOrder(): void {
    for (let { oldest } = this.#pending; isSettled(oldest); { oldest } = this.#pending) {
      this.#pending.remove(oldest)
      this.#settled ??= new SettledRequests()
      this.#settled.add(oldest)
    }
  }
}

function isSettled<Request, Answer>(
  pending: PendingRequest<Request, Answer> | undefined,
): pending is PendingRequest<Request, Answer> {
  return pending !== undefined && pending.answer !== UNSETTLED
}
