import { isIP } from 'node:net'
import { spellAddress } from './ip-address.ts'

/** The client that a proxy connects for. */
export interface ProxiedPeer {
  readonly address: string
  readonly port: number
}

export interface ProxyHeader {
  /** In bytes. */
  readonly length: number
  /** Undefined: the proxy connects for itself, or does not know the client. */
  readonly peer: ProxiedPeer | undefined
}

/** Version 1 is a line: `PROXY TCP4 192.0.2.1 203.0.113.7 51974 8888\r\n`. */
const PREFIX = 'PROXY '
const MAX_LINE_LENGTH = 107

/** Version 2 begins with these twelve bytes, which no line of text contains. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const FIXED_LENGTH = 16
const VERSION_2 = 0x20
const Command = { local: 0, proxy: 1 } as const
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21
/** Addresses, and what a proxy may add, for example the name in a client's certificate. */
const MAX_REST_LENGTH = 4096

/**
 * Reads the header of the PROXY protocol that a stream begins with. Version 2, for TCP over IPv4:
 *
 *     0d0a0d0a 000d0a51 5549540a │ 21      │ 11         │ 000c   │ c0000201 │ cb007107    │ cb06   │ 22b8
 *     signature                  │ version,│ address    │ length │ source   │ destination │ source │ destination
 *                                │ command │ family,TCP │ of rest│ address  │ address     │ port   │ port
 *
 * Source: "The PROXY protocol, versions 1 & 2", sections 2.1 and 2.2, by HAProxy Technologies.
 *
 * @returns undefined when more bytes are needed
 * @throws Error that says what is wrong
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  const seen = Math.min(bytes.length, SIGNATURE.length)
  if (bytes.compare(SIGNATURE, 0, seen, 0, seen) === 0) return parseBinary(bytes)
  if (!PREFIX.startsWith(bytes.toString('latin1', 0, PREFIX.length))) {
    throw new Error('the connection does not begin with a header of the PROXY protocol')
  }
  return parseLine(bytes.toString('latin1', 0, MAX_LINE_LENGTH))
}

function parseLine(text: string): ProxyHeader | undefined {
  const end = text.indexOf('\r\n')
  if (end < 0) {
    if (text.length < MAX_LINE_LENGTH) return undefined
    throw new Error(`the header of the PROXY protocol is not a line of at most ${MAX_LINE_LENGTH} bytes`)
  }
  const line = text.slice(0, end)
  const length = end + 2
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { length, peer: undefined }
  const wrong = wrongField(line)
  if (wrong !== undefined) throw new Error(`the header of the PROXY protocol is malformed: ${wrong}`)
  const [, , address = '', , port] = line.split(' ')
  return { length, peer: { address: spellAddress(address), port: Number(port) } }
}

/**
 * Finds the invalid field of a line of version 1. The text contains no byte of the line: it is logged, and what a peer sends
 * instead of a header may contain a token.
 */
function wrongField(line: string): string | undefined {
  const [, transport, source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = line.split(' ')
  if (transport !== 'TCP4' && transport !== 'TCP6') return 'its transport is neither TCP4, TCP6 nor UNKNOWN'
  const version = transport === 'TCP4' ? 4 : 6
  if (!isAddress(source, version)) return `its source is not an address of ${transport}`
  if (!isAddress(destination, version)) return `its destination is not an address of ${transport}`
  if (!isPort(sourcePort)) return "the source's port is not from 0 to 65535"
  if (!isPort(destinationPort)) return "the destination's port is not from 0 to 65535"
  return more.length === 0 ? undefined : 'something follows its ports'
}

/** Refuses an address with a zone, `fe80::1%eth0`, which Node accepts: a zone is any text, and has no meaning outside of the proxy. */
function isAddress(text: string, version: number): boolean {
  return isIP(text) === version && !text.includes('%')
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
}

function parseBinary(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < FIXED_LENGTH) return undefined
  const versionAndCommand = bytes.readUInt8(12)
  const family = bytes.readUInt8(13)
  const restLength = bytes.readUInt16BE(14)
  const command = versionAndCommand & 0x0f
  if ((versionAndCommand & 0xf0) !== VERSION_2 || command > Command.proxy) {
    throw new Error(`the header of the PROXY protocol has version and command 0x${hex(versionAndCommand)}`)
  }
  if (restLength > MAX_REST_LENGTH) {
    throw new Error(`the header of the PROXY protocol promises ${restLength} bytes, more than ${MAX_REST_LENGTH}`)
  }
  const length = FIXED_LENGTH + restLength
  if (bytes.length < length) return undefined
  // Everything but TCP over IPv4 and IPv6 counts as unknown (section 2.2).
  const addressLength = { [TCP_OVER_IPV4]: 4, [TCP_OVER_IPV6]: 16 }[family]
  if (command === Command.local || addressLength === undefined) return { length, peer: undefined }
  if (restLength < 2 * addressLength + 4) {
    throw new Error(`the header of the PROXY protocol is too short for its addresses: ${restLength} bytes`)
  }
  const source = bytes.subarray(FIXED_LENGTH, FIXED_LENGTH + addressLength)
  const port = bytes.readUInt16BE(FIXED_LENGTH + 2 * addressLength)
  return { length, peer: { address: addressLength === 4 ? source.join('.') : ipv6Text(source), port } }
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16))
  return spellAddress(groups.join(':'))
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
