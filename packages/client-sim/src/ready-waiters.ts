import type { Room } from './room.ts'

interface Waiter {
  /** The payload that it wants to submit, in bytes. */
  readonly size: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Those who wait until they can submit, in order. */
export class ReadyWaiters {
  readonly #room: Room
  #waiters: Waiter[] = []
  /** Those before it have gone on. */
  #at = 0
  /** How many have gone on in this turn and not submitted yet, and their payloads in bytes. */
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

  /** Lets as many go on as there is room for. */
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

  /** Who went on and has not submitted by the end of the turn leaves the place to the next. */
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
