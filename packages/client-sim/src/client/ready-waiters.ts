import type { Room } from './capacity.ts'

interface Waiter {
  /** The payload that it wants to submit, in bytes. */
  readonly size: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Callers of `ready()`, in order. */
export class ReadyWaiters {
  readonly #room: Room
  #waiters: Waiter[] = []
  /** The first one that still waits. */
  #at = 0
  /** Callers that were released in this turn and have not submitted yet, and the bytes they asked for. */
  #expected = 0
  #expectedBytes = 0
  #turnEnds = false

  constructor(room: Room) {
    this.#room = room
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
    while (this.#at < this.#waiters.length) {
      const { size, resolve } = this.#waiters[this.#at]
      if (!this.#room.toSubmit(size, this.#expected, this.#expectedBytes)) break
      resolve()
      this.#at += 1
      this.#expected += 1
      this.#expectedBytes += size
      this.#lookAgain()
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
  #lookAgain(): void {
    if (this.#turnEnds) return
    this.#turnEnds = true
    setImmediate(() => {
      this.#turnEnds = false
      this.#expected = 0
      this.#expectedBytes = 0
      this.admit()
    })
  }
}
