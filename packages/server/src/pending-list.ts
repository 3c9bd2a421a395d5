import type { ConnView, SubmitView } from '@demo/packet'
import type { Result } from './handlers.ts'
import type { Request } from './request-context.ts'

/** A request whose handler has not settled, or has settled and waits for the next flush. */
export class PendingRequest {
  readonly request: ConnView | SubmitView
  /** When the read that brought it began, in milliseconds on the monotonic clock. */
  readonly startedAt: number
  /** What its handler was given beside the packet, if it takes that. */
  readonly context: Request<unknown> | undefined
  /** What it will be answered with; undefined until its handler settles. */
  result: Result | undefined
  previous: PendingRequest | undefined
  next: PendingRequest | undefined

  constructor(request: ConnView | SubmitView, startedAt: number, context: Request<unknown> | undefined) {
    this.request = request
    this.startedAt = startedAt
    this.context = context
  }
}

/** Pending requests, oldest first: a linked list, so that any of them leaves at once. */
export class PendingList {
  #oldest: PendingRequest | undefined
  #newest: PendingRequest | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): PendingRequest | undefined {
    return this.#oldest
  }

  add(pending: PendingRequest): void {
    pending.previous = this.#newest
    if (this.#newest === undefined) this.#oldest = pending
    else this.#newest.next = pending
    this.#newest = pending
    this.#size += 1
  }

  remove(pending: PendingRequest): void {
    if (pending.previous === undefined) this.#oldest = pending.next
    else pending.previous.next = pending.next
    if (pending.next === undefined) this.#newest = pending.previous
    else pending.next.previous = pending.previous
    pending.previous = undefined
    pending.next = undefined
    this.#size -= 1
  }
}
