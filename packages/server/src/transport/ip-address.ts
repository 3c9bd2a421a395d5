import { isIPv4, isIPv6, SocketAddress } from 'node:net'

const MAPPED = '::ffff:'

/**
 * Normalizes an address: IPv6 in its shortest form in lower case, and IPv4 mapped into IPv6 as IPv4.
 *
 * ```
 *  2001:DB8:0:0::0001   →  2001:db8::1
 *  ::ffff:c000:201      →  192.0.2.1
 *  fe80::1%eth0         →  fe80::1%eth0     the zone says which link the peer is on
 * ```
 */
export function spellAddress(address: string): string {
  if (!isIPv6(address)) return address
  const [text = '', zone] = address.split('%')
  const spelled = new SocketAddress({ address: text, family: 'ipv6' }).address
  const unmapped = spelled.startsWith(MAPPED) ? spelled.slice(MAPPED.length) : ''
  if (isIPv4(unmapped)) return unmapped
  return zone === undefined ? spelled : `${spelled}%${zone}`
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: one subscriber owns the whole /64 (RFC 6177). */
export function subscriberOf(address: string): string {
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
