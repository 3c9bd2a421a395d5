/** Something with a time limit: an item of a linked {@link DeadlineList}. */
export interface Deadline {
  /** When the limit passes, in milliseconds on the monotonic clock. */
  deadline: number
  list: DeadlineList | undefined
  earlier: Deadline | undefined
  later: Deadline | undefined

  /** Called when the limit has passed, after it was removed from its list. */
  passed(): void
}

/** The most time limits that pass in one turn of the event loop, so that the loop is not blocked. */
const MAX_PER_TURN = 5000

/** Empty lists are kept up to this number of lists, for the next request. */
const MAX_EMPTY_LISTS = 8

/** Time limits. Those of one length are in one list with one timer. Adding and removing take constant time. */
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
    if (this.#lists.size > MAX_EMPTY_LISTS) this.#lists.delete(list.timeout)
  }
}

/** Time limits of one length: the first that was added passes first. */
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
    one.earlier = this.#last
    if (this.#last === undefined) this.#first = one
    else this.#last.later = one
    this.#last = one
    this.#timer ??= setTimeout(this.#check, this.timeout)
  }

  remove(one: Deadline): void {
    const { earlier, later } = one
    if (earlier === undefined) this.#first = later
    else earlier.later = later
    if (later === undefined) this.#last = earlier
    else later.earlier = earlier
    one.list = undefined
    one.earlier = undefined
    one.later = undefined
    if (this.#first !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#onEmpty(this)
  }

  readonly #check = (): void => {
    const now = performance.now()
    withoutStacks(() => this.#passBefore(now))
    if (this.#first === undefined) return
    clearTimeout(this.#timer)
    if (this.#first.deadline <= now) setImmediate(this.#check)
    else this.#timer = setTimeout(this.#check, Math.max(1, this.#first.deadline - now))
  }

  #passBefore(now: number): void {
    let passed = 0
    for (let one = this.#first; one !== undefined && one.deadline <= now; one = this.#first) {
      this.remove(one)
      one.passed()
      passed += 1
      if (passed === MAX_PER_TURN) return
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
