import { subscriberOf } from '../transport/ip-address.ts'

/** Counts the connections of each address. */
export class ConnectionsPerIp {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  /** @param max connections of one address at the same time. Infinity: no limit, and nothing is counted */
  constructor(max: number) {
    this.#max = max
  }

  /** Counts one more connection. @returns false, and counts nothing, if the address has reached the limit */
  enter(address: string | undefined): boolean {
    if (address === undefined || this.#max === Number.POSITIVE_INFINITY) return true
    const subscriber = subscriberOf(address)
    const count = this.#counts.get(subscriber) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(subscriber, count + 1)
    return true
  }

  /** A connection that was counted is closed. */
  leave(address: string | undefined): void {
    if (address === undefined) return
    const subscriber = subscriberOf(address)
    const count = this.#counts.get(subscriber)
    if (count === undefined) return
    if (count > 1) this.#counts.set(subscriber, count - 1)
    else this.#counts.delete(subscriber)
  }
}
