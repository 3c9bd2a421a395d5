import type { Sink } from './log-sink.ts'

/** So much of the log may wait for whoever reads it, in bytes. */
const MOST_WAITING = 16 * 1024 * 1024

/**
 * A stream for a log that waits for nobody. A reader who is slow, or stands still, is no reason to keep a client waiting:
 * what he does not take is kept up to 16 MiB, then lines are left out until he has taken half of it, and he is told how
 * many. So he is of lines that a full disk did not take.
 */
export class LogStream {
  readonly #sink: Sink
  #leftOut = 0
  /** Called with how many lines were left out, when there is room again. */
  onRoom: (leftOut: number) => void = () => {}

  constructor(sink: Sink) {
    this.#sink = sink
    sink.onRecovered = (lost) => this.onRoom(lost)
  }

  write(line: string): void {
    const { writableLength } = this.#sink
    if (this.#leftOut > 0 && writableLength < MOST_WAITING / 2) {
      const leftOut = this.#leftOut
      this.#leftOut = 0
      this.onRoom(leftOut)
    }
    if (this.#leftOut > 0 || writableLength > MOST_WAITING) this.#leftOut += 1
    else this.#sink.write(line)
  }
}
