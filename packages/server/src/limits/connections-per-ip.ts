import { isIPv6 } from 'node:net'
import { spellAddress } from '../transport/ip-address.ts'

/** How many connections each address has. */
export class ConnectionsPerIp {
  readonly #most: number
  readonly #counts = new Map<string, number>()

  /** @param most connections of one address at the same time; Infinity is no limit, and nothing is counted */
  constructor(most: number) {
    this.#most = most
  }

  /** Counts one more, unless the address has as many as it may have. */
  enter(address: string | undefined): boolean {
    if (address === undefined || this.#most === Number.POSITIVE_INFINITY) return true
    const subscriber = subscriberOf(address)
    const count = this.#counts.get(subscriber) ?? 0
    if (count >= this.#most) return false
    this.#counts.set(subscriber, count + 1)
    return true
  }

  /** One that was counted is gone. */
  leave(address: string | undefined): void {
    if (address === undefined) return
    const subscriber = subscriberOf(address)
    const count = this.#counts.get(subscriber)
    if (count === undefined) return
    if (count > 1) this.#counts.set(subscriber, count - 1)
    else this.#counts.delete(subscriber)
  }
}

/** An address of IPv4, or the first 64 bits of one of IPv6: a subscriber has all addresses of those (RFC 6177). */
function subscriberOf(address: string): string {
  const spelled = spellAddress(address)
  return isIPv6(spelled) ? firstHalf(spelled) : spelled
}

/** The first four groups: `2001:db8:0:1` of `2001:db8:0:1::7`. */
function firstHalf(address: string): string {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4).join(':')
}
