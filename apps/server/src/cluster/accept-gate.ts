import type { Server } from '@demo/server'

/** How much more than the least loaded of the others a worker may have before it stops accepting, as a share. */
const TOLERANCE = 0.1

/** How long the primary's last number is valid, in milliseconds. After that, each worker accepts all it can. */
const EXPIRY = 1000

/**
 * Keeps the numbers of connections of all workers even. All accept on one listening socket, and the system wakes any of
 * them: without this gate, one worker gets several times as many connections as another. So a worker that has more than
 * the others stops accepting until they have as many.
 */
export class AcceptGate {
  readonly #server: Pick<Server, 'pauseAccepting' | 'resumeAccepting'>
  #open = 0
  #fewest = Number.POSITIVE_INFINITY
  #expiry: NodeJS.Timeout | undefined

  constructor(server: Pick<Server, 'pauseAccepting' | 'resumeAccepting'>) {
    this.#server = server
    // Until the primary reports: one connection is accepted.
    this.othersHave(0)
  }

  /** Sets the number of this worker's connections. */
  has(open: number): void {
    this.#open = open
    this.#update()
  }

  /** Sets the fewest connections that another worker has. */
  othersHave(fewest: number): void {
    this.#fewest = fewest
    clearTimeout(this.#expiry)
    this.#expiry = setTimeout(() => this.othersHave(Number.POSITIVE_INFINITY), EXPIRY)
    this.#expiry.unref()
    this.#update()
  }

  #update(): void {
    if (this.#open > this.#fewest + Math.floor(this.#fewest * TOLERANCE)) this.#server.pauseAccepting()
    else this.#server.resumeAccepting()
  }
}
