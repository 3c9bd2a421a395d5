/** Something that has work left for later in this turn of the event loop. */
export interface Worker {
  work(): void
}

/**
 * How long large work may take in one half of a turn, in milliseconds: once while sockets are read, once afterwards. So
 * whoever wants little waits for little more than twice that, whatever others pipeline.
 */
const SLICE = 1

/**
 * Who has work left, so that whatever settles in one turn of the event loop leaves together, and nobody works in the
 * middle of somebody else's work. They come one after the other, and not all in one turn if that would be long.
 */
export class Wakeups {
  readonly #waiting = new Set<Worker>()
  #scheduled = false
  /** Until when large work may begin while sockets are read; 0 when none has begun in this turn. */
  #sliceEnd = 0

  /** Whether large work may begin at once. If not, `add()` it. */
  get hasTime(): boolean {
    const now = performance.now()
    if (this.#sliceEnd === 0) {
      this.#sliceEnd = now + SLICE
      this.#schedule()
    }
    return now < this.#sliceEnd
  }

  add(worker: Worker): void {
    this.#waiting.add(worker)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#scheduled = false
    this.#sliceEnd = 0
    const end = performance.now() + SLICE
    // Who is added meanwhile has the next turn.
    let left = this.#waiting.size
    for (const worker of this.#waiting) {
      if (left === 0) break
      left -= 1
      this.#waiting.delete(worker)
      worker.work()
      if (performance.now() > end) break
    }
    if (this.#waiting.size > 0) this.#schedule()
  }
}
