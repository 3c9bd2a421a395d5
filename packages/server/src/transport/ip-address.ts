import { isIPv4, isIPv6, SocketAddress } from 'node:net'

const MAPPED = '::ffff:'

/**
 * The one spelling of an address: IPv6 in lower case and as short as it gets, and IPv4 as IPv4 also where it comes mapped
 * into IPv6.
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
