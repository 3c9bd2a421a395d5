/** Something that has a time limit. Its neighbours in its list are kept in itself. */
export interface Deadline {
  /** When it is over, in milliseconds on the monotonic clock. */
  deadline: number
  list: DeadlineList | undefined
  dueBefore: Deadline | undefined
  dueAfter: Deadline | undefined

  /** Called when its time is over. It is in no list any more. */
  passed(): void
}

/** At most so many time out in one turn of the event loop, so that the loop is not blocked. */
const AT_ONCE = 5000

/** Up to so many empty lists are kept for the next request. */
const KEPT = 8

/** Time limits: those of one length are in one list, which has one timer. To add or remove one takes constant time. */
export class Deadlines {
  readonly #lists = new Map<number, DeadlineList>()

  /** @param timeout in milliseconds, above 0 */
  add(one: Deadline, timeout: number): void {
    let list = this.#lists.get(timeout)
    if (list === undefined) {
      list = new DeadlineList(timeout, (empty) => this.#emptied(empty))
      this.#lists.set(timeout, list)
    }
    list.add(one)
  }

  #emptied(list: DeadlineList): void {
    if (this.#lists.size > KEPT) this.#lists.delete(list.timeout)
  }
}

/** Limits of the same length: the first that was added is the first that is over. */
export class DeadlineList {
  readonly timeout: number
  readonly #onEmpty: (list: DeadlineList) => void
  #first: Deadline | undefined
  #last: Deadline | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(timeout: number, onEmpty: (list: DeadlineList) => void) {
    this.timeout = timeout
    this.#onEmpty = onEmpty
  }

  add(one: Deadline): void {
    one.deadline = performance.now() + this.timeout
    one.list = this
    one.dueBefore = this.#last
    if (this.#last === undefined) this.#first = one
    else this.#last.dueAfter = one
    this.#last = one
    this.#timer ??= setTimeout(this.#look, this.timeout)
  }

  remove(one: Deadline): void {
    const { dueBefore, dueAfter } = one
    if (dueBefore === undefined) this.#first = dueAfter
    else dueBefore.dueAfter = dueAfter
    if (dueAfter === undefined) this.#last = dueBefore
    else dueAfter.dueBefore = dueBefore
    one.list = undefined
    one.dueBefore = undefined
    one.dueAfter = undefined
    if (this.#first !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#onEmpty(this)
  }

  readonly #look = (): void => {
    const now = performance.now()
    withoutStacks(() => this.#passUntil(now))
    if (this.#first === undefined) return
    clearTimeout(this.#timer)
    if (this.#first.deadline <= now) setImmediate(this.#look)
    else this.#timer = setTimeout(this.#look, Math.max(1, this.#first.deadline - now))
  }

  #passUntil(now: number): void {
    let passed = 0
    for (let one = this.#first; one !== undefined && one.deadline <= now; one = this.#first) {
      this.remove(one)
      one.passed()
      passed += 1
      if (passed === AT_ONCE) return
    }
  }
}

/** Errors made in a timer have useless stacks, and a stack costs more than the rest of a timeout. */
function withoutStacks(action: () => void): void {
  const { stackTraceLimit } = Error
  if (!Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable) {
    action()
    return
  }
  Error.stackTraceLimit = 0
  try {
    action()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
