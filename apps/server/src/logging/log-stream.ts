import type { Sink } from './sink.ts'

/** How much of the log may wait for its reader, in bytes. */
const MAX_WAITING = 16 * 1024 * 1024

/**
 * A stream for a log that never blocks. Up to 16 MiB wait for a slow or stalled reader. Then lines are left out until half
 * of it is taken, and `onRoom` gets their number. The same holds for lines that a full disk did not take.
 */
export class LogStream {
  readonly #sink: Sink
  #leftOut = 0
  /** Called with the number of lines left out, when there is room again. */
  onRoom: (leftOut: number) => void = () => {}

  constructor(sink: Sink) {
    this.#sink = sink
    sink.onRecovered = (lost) => this.onRoom(lost)
  }

  write(line: string): void {
    const { writableLength } = this.#sink
    if (this.#leftOut > 0 && writableLength < MAX_WAITING / 2) {
      const leftOut = this.#leftOut
      this.#leftOut = 0
      this.onRoom(leftOut)
    }
    if (this.#leftOut > 0 || writableLength > MAX_WAITING) this.#leftOut += 1
    else this.#sink.write(line)
  }
}
