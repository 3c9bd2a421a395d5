/** Calls back when the server has sent nothing for too long while requests are in flight. */
export class SilenceTimer {
  readonly #limit: number
  readonly #onSilence: () => void
  #timer: NodeJS.Timeout | undefined

  /** @param limit in milliseconds; 0 is no limit */
  constructor(limit: number, onSilence: () => void) {
    this.#limit = limit
    this.#onSilence = onSilence
  }

  /** Requests are in flight. Does nothing if they were before. */
  start(): void {
    if (this.#limit > 0) this.#timer ??= setTimeout(this.#onSilence, this.#limit)
  }

  /** The server sent or read something: the time starts again. */
  refresh(): void {
    this.#timer?.refresh()
  }

  /** No request is in flight. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
