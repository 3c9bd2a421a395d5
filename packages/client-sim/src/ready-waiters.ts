import type { Room } from './room.ts'

interface Waiter {
  /** The payload that it wants to submit, in bytes. */
  readonly size: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Those who wait until the queue has room, in order. */
export class ReadyWaiters {
  #waiters: Waiter[] = []
  /** Those before it have gone. */
  #at = 0
  #lookScheduled = false
  readonly #room: Room

  constructor(room: Room) {
    this.#room = room
  }

  wait(size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ size, resolve, reject })
      this.admit()
    })
  }

  /** Lets as many go on as there is room for. */
  admit(): void {
    if (this.#waiters.length === 0 || this.#lookScheduled) return
    let [others, bytes] = [0, 0]
    while (this.#at < this.#waiters.length) {
      const { size, resolve } = this.#waiters[this.#at]
      if (!this.#room.toSubmit(size, others, bytes)) break
      resolve()
      this.#at += 1
      others += 1
      bytes += size
    }
    if (this.#at === this.#waiters.length) this.#clear()
    else if (others > 0) this.#lookAgain()
  }

  rejectAll(error: unknown): void {
    const waiters = this.#waiters.slice(this.#at)
    this.#clear()
    for (const { reject } of waiters) reject(error)
  }

  /** Those who were let go on submit before the next turn. If they do not, their places are the next ones'. */
  #lookAgain(): void {
    if (this.#at > this.#waiters.length / 2) {
      this.#waiters.splice(0, this.#at)
      this.#at = 0
    }
    this.#lookScheduled = true
    setImmediate(() => {
      this.#lookScheduled = false
      this.admit()
    })
  }

  #clear(): void {
    this.#waiters = []
    this.#at = 0
  }
}
