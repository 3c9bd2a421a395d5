import type { Capacity } from './capacity.ts'

interface Waiter {
  /** The payload length that it waits for, in bytes. */
  readonly size: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Callers of `ready()`, in order. */
export class ReadyWaiters {
  readonly #capacity: Capacity
  #waiters: Waiter[] = []
  /** The index of the first one that still waits. */
  #at = 0
  /** Callers released in this turn that have not submitted yet, and the bytes of their payloads. */
  #expected = 0
  #expectedBytes = 0
  #resetScheduled = false

  constructor(capacity: Capacity) {
    this.#capacity = capacity
  }

  wait(size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ size, resolve, reject })
      this.admit()
    })
  }

  /** A request was submitted. */
  submitted(size: number): void {
    if (this.#expected === 0) return
    this.#expected -= 1
    this.#expectedBytes = Math.max(0, this.#expectedBytes - size)
  }

  /** Releases as many callers as there is room for. */
  admit(): void {
    for (let waiter = this.#waiters[this.#at]; waiter !== undefined; waiter = this.#waiters[this.#at]) {
      const { size, resolve } = waiter
      if (!this.#capacity.canSubmit(size, this.#expected, this.#expectedBytes)) break
      resolve()
      this.#at += 1
      this.#expected += 1
      this.#expectedBytes += size
      this.#resetAfterTurn()
    }
    if (this.#at > this.#waiters.length / 2) {
      this.#waiters.splice(0, this.#at)
      this.#at = 0
    }
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiters.splice(this.#at)) reject(error)
  }

  /** A caller that has not submitted by the end of the turn loses its place to the next one. */
  #resetAfterTurn(): void {
    if (this.#resetScheduled) return
    this.#resetScheduled = true
    setImmediate(() => {
      this.#resetScheduled = false
      this.#expected = 0
      this.#expectedBytes = 0
      this.admit()
    })
  }
}
