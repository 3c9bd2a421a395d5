/** Something that can be aborted: the context of a request, if there is one. */
export interface Abortable {
  abort(reason: Error): void
}

/** The answer of a request whose handler has not settled. */
export const UNSETTLED = Symbol('unsettled')

/** A request that has not been answered. */
export class PendingRequest<Request, Answer> {
  readonly request: Request
  /** When the read with this request was handled, in milliseconds on the monotonic clock. */
  readonly startedAt: number
  readonly context: Abortable | undefined
  /** The answer, once its handler has settled or was given up. */
  answer: Answer | typeof UNSETTLED = UNSETTLED
  previous: PendingRequest<Request, Answer> | undefined
  next: PendingRequest<Request, Answer> | undefined

  constructor(request: Request, startedAt: number, context: Abortable | undefined) {
    this.request = request
    this.startedAt = startedAt
    this.context = context
  }
}

/** Pending requests, oldest first: a linked list, so that any of them can be removed at once. */
export class PendingList<Request, Answer> {
  #oldest: PendingRequest<Request, Answer> | undefined
  #newest: PendingRequest<Request, Answer> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): PendingRequest<Request, Answer> | undefined {
    return this.#oldest
  }

  add(pending: PendingRequest<Request, Answer>): void {
    pending.previous = this.#newest
    if (this.#newest === undefined) this.#oldest = pending
    else this.#newest.next = pending
    this.#newest = pending
    this.#size += 1
  }

  clear(): void {
    this.#oldest = this.#newest = undefined
    this.#size = 0
  }

  remove(pending: PendingRequest<Request, Answer>): void {
    if (pending.previous === undefined) this.#oldest = pending.next
    else pending.previous.next = pending.next
    if (pending.next === undefined) this.#newest = pending.previous
    else pending.next.previous = pending.previous
    pending.previous = undefined
    pending.next = undefined
    this.#size -= 1
  }
}
