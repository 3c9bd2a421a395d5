import { BlockList, isIP, type Socket } from 'node:net'
import type { CloseReason } from '../api/close-reason.ts'
import { HandshakeError } from './handshake-error.ts'
import { spellAddress } from './ip-address.ts'
import { type ProxiedPeer, parseProxyHeader } from './proxy-protocol.ts'

/** The name that stands for peers on a Unix socket, among the addresses of proxies. */
const UNIX = 'unix'

/** The proxies that are trusted to send a PROXY header. Each connection from one of them begins with it. */
export class TrustedProxies {
  readonly #addresses = new BlockList()
  readonly #unix: boolean

  /**
   * @param from addresses and networks (`10.0.0.0/8`, `2001:db8::1`), and `unix`
   * @throws RangeError that names the first invalid one
   */
  constructor(from: readonly string[]) {
    this.#unix = from.includes(UNIX)
    for (const one of from) if (one !== UNIX) this.#add(one)
  }

  /** Whether the peer at this address is a trusted proxy; undefined: a peer on a Unix socket. */
  includes(address: string | undefined): boolean {
    if (address === undefined) return this.#unix
    const [withoutZone = ''] = spellAddress(address).split('%')
    return this.#addresses.check(withoutZone, isIP(withoutZone) === 6 ? 'ipv6' : 'ipv4')
  }

  #add(network: string): void {
    const [address = '', prefix, ...more] = network.split('/')
    const version = isIP(address)
    const longest = version === 6 ? 128 : 32
    const length = prefix === undefined ? longest : Number(/^\d{1,3}$/.exec(prefix)?.[0] ?? Number.NaN)
    if (version === 0 || more.length > 0 || !(length <= longest)) {
      throw new RangeError(`${JSON.stringify(network)} is neither an address, nor a network like 10.0.0.0/8, nor unix`)
    }
    this.#addresses.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * Reads the PROXY header at the start of a stream, and leaves the bytes after it unread.
 *
 * @returns the client, or undefined: the proxy connects for itself
 * @throws HandshakeError when the header is missing, invalid or incomplete
 */
export function readProxyHeader(socket: Socket): Promise<ProxiedPeer | undefined> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const done = () => {
      socket.off('data', take)
      socket.off('end', end)
      socket.pause()
    }
    const fail = (message: string, reason?: CloseReason) => {
      done()
      reject(new HandshakeError(message, reason))
    }
    const take = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      try {
        const header = parseProxyHeader(received)
        if (header === undefined) return
        done()
        if (received.length > header.length) socket.unshift(received.subarray(header.length))
        resolve(header.peer)
      } catch (error) {
        fail((error as Error).message)
      }
    }
    // A proxy that connects and closes is a health check.
    const end = () => {
      if (received.length === 0) fail('the proxy ended the connection', 'peer-closed')
      else fail(`the connection ended ${received.length} bytes into the header of the PROXY protocol`)
    }
    socket.on('data', take)
    socket.on('end', end)
  })
}
