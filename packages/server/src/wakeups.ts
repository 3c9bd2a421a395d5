/** Something that has work left for later in this turn of the event loop. */
export interface Worker {
  work(): void
}

/**
 * Who has work left, so that whatever settles in one turn of the event loop leaves together, and nobody works in the
 * middle of somebody else's work.
 */
export class Wakeups {
  #waiting = new Set<Worker>()
  #scheduled = false

  add(worker: Worker): void {
    this.#waiting.add(worker)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    this.#scheduled = false
    for (const worker of waiting) worker.work()
  }
}
