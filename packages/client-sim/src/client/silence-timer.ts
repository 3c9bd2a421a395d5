/** The clock of a server that owes answers: it strikes when nothing has come for too long. */
export class Silence {
  readonly #limit: number
  readonly #onSilence: () => void
  #timer: NodeJS.Timeout | undefined

  /** @param limit in milliseconds; 0 never strikes */
  constructor(limit: number, onSilence: () => void) {
    this.#limit = limit
    this.#onSilence = onSilence
  }

  /** Answers are owed from now on, if they were not before. */
  begin(): void {
    if (this.#limit > 0) this.#timer ??= setTimeout(this.#onSilence, this.#limit)
  }

  /** Something came, or was taken: the time counts from now. */
  broken(): void {
    this.#timer?.refresh()
  }

  /** No answer is owed. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
