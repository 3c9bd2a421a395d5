/** Something that can be aborted: the context of a request, if there is one. */
export interface Abortable {
  abort(reason: Error): void
}

/** The answer of a request whose handler has not settled. */
export const UNSETTLED = Symbol('unsettled')

/** A request that has not been answered. */
export class PendingRequest<Request, Answer> {
  readonly request: Request
  readonly group: PendingGroup<Request, Answer>
  readonly context: Abortable | undefined
  /** The answer, once its handler has settled or was given up. */
  answer: Answer | typeof UNSETTLED = UNSETTLED
  previous: PendingRequest<Request, Answer> | undefined = undefined
  next: PendingRequest<Request, Answer> | undefined = undefined

  constructor(request: Request, group: PendingGroup<Request, Answer>, context: Abortable | undefined) {
    this.request = request
    this.group = group
    this.context = context
  }
}

/** A linked list of requests, so that any of them can be removed at once. */
class RequestList<Request, Answer> {
  first: PendingRequest<Request, Answer> | undefined = undefined
  last: PendingRequest<Request, Answer> | undefined = undefined

  add(pending: PendingRequest<Request, Answer>): void {
    const { last } = this
    pending.previous = last
    pending.next = undefined
    if (last === undefined) this.first = pending
    else last.next = pending
    this.last = pending
  }

  remove(pending: PendingRequest<Request, Answer>): void {
    const { previous, next } = pending
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
  }
}

/**
 * Requests whose handlers started together. They hang on an object of their own, which lives as long as they do: a list that
 * hangs on the session, which is old, costs the garbage collector a note for each request.
 */
export class PendingGroup<Request, Answer> extends RequestList<Request, Answer> {
  /** When the read with these requests was handled, in milliseconds on the monotonic clock. */
  readonly startedAt: number
  older: PendingGroup<Request, Answer> | undefined = undefined
  newer: PendingGroup<Request, Answer> | undefined = undefined

  constructor(startedAt: number) {
    super()
    this.startedAt = startedAt
  }
}

/** Requests that can be answered now, since the last ones were answered. */
export class SettledRequests<Request, Answer> extends RequestList<Request, Answer> {}

/** Pending requests, oldest first. */
export class PendingList<Request, Answer> {
  #oldest: PendingGroup<Request, Answer> | undefined
  #newest: PendingGroup<Request, Answer> | undefined

  get oldest(): PendingRequest<Request, Answer> | undefined {
    return this.#oldest?.first
  }

  add(request: Request, startedAt: number, context: Abortable | undefined): PendingRequest<Request, Answer> {
    const newest = this.#newest
    const group = newest?.startedAt === startedAt ? newest : this.#addGroup(startedAt)
    const pending = new PendingRequest<Request, Answer>(request, group, context)
    group.add(pending)
    return pending
  }

  /** The request after this one. */
  after({ next, group }: PendingRequest<Request, Answer>): PendingRequest<Request, Answer> | undefined {
    return next ?? group.newer?.first
  }

  clear(): void {
    this.#oldest = this.#newest = undefined
  }

  remove(pending: PendingRequest<Request, Answer>): void {
    const { group } = pending
    group.remove(pending)
    if (group.first === undefined) this.#removeGroup(group)
  }

  #addGroup(startedAt: number): PendingGroup<Request, Answer> {
    const group = new PendingGroup<Request, Answer>(startedAt)
    group.older = this.#newest
    if (this.#newest === undefined) this.#oldest = group
    else this.#newest.newer = group
    this.#newest = group
    return group
  }

  #removeGroup(group: PendingGroup<Request, Answer>): void {
    const { older, newer } = group
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
  }
}
