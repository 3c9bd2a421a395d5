import type { NetConnectOpts } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { watchHandshake } from './client-certificate.ts'

/** How to speak TLS with a server. Certificates and keys are PEM. */
export interface ClientTls {
  /** The authorities to trust, instead of those that Node trusts. */
  readonly ca?: string | Uint8Array | undefined
  /** The client's certificate, for a server that asks for one. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /**
   * The name that the server's certificate is checked against.
   *
   * @default the server's host
   */
  readonly servername?: string | undefined
  /**
   * Whether the connection fails when the server's certificate cannot be verified. With false the server may be anyone.
   *
   * @default true
   */
  readonly rejectUnauthorized?: boolean | undefined
}

/** Opens a TLS socket. Its handshake is done at `secureConnect`. */
export function connectTls(address: NetConnectOpts, tls: ClientTls): TLSSocket {
  const { ca, cert, key, servername, rejectUnauthorized = true } = tls
  const socket = connect({
    ...address,
    ...(ca === undefined ? {} : { ca: pemOf(ca) }),
    ...(cert === undefined ? {} : { cert: pemOf(cert) }),
    ...(key === undefined ? {} : { key: pemOf(key) }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized,
  })
  watchHandshake(socket, cert !== undefined)
  return socket
}

/** Node takes a string or a Buffer, and no other Uint8Array. */
const pemOf = (pem: string | Uint8Array) => (typeof pem === 'string' ? pem : Buffer.from(pem))
