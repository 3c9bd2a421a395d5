import type { Server } from '@demo/server'

/** How much more than the emptiest of the others a worker may have before it leaves connections to them. */
const MORE = 0.1

/** How long what the primary said is believed, in milliseconds: if it says no more, each worker accepts what it can. */
const BELIEVED = 1000

/**
 * Keeps the workers' connections even. All accept on one listening socket, and the system wakes whom it likes: left alone,
 * one of them gets several times as many as another. So a worker that has more than the others stops accepting until they
 * have as many.
 */
export class FairShare {
  readonly #server: Pick<Server, 'pauseAccepting' | 'resumeAccepting'>
  #open = 0
  #fewest = Number.POSITIVE_INFINITY
  #doubt: NodeJS.Timeout | undefined

  constructor(server: Pick<Server, 'pauseAccepting' | 'resumeAccepting'>) {
    this.#server = server
    // Until the primary has said what they have: whoever is first takes one.
    this.othersHave(0)
  }

  /** This worker has so many connections now. */
  has(open: number): void {
    this.#open = open
    this.#look()
  }

  /** The emptiest of the others has so many. */
  othersHave(fewest: number): void {
    this.#fewest = fewest
    clearTimeout(this.#doubt)
    this.#doubt = setTimeout(() => this.othersHave(Number.POSITIVE_INFINITY), BELIEVED)
    this.#doubt.unref()
    this.#look()
  }

  #look(): void {
    if (this.#open > this.#fewest + Math.floor(this.#fewest * MORE)) this.#server.pauseAccepting()
    else this.#server.resumeAccepting()
  }
}
