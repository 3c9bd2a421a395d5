import { connect as connectSocket, isIP, type NetConnectOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ClientError } from './client-error.ts'
import { wrongWithPath } from './socket-path.ts'

/** Where a server listens: a host and a port, or the path of a Unix socket. */
export type ServerLocation =
  | {
      /** @default '127.0.0.1' */
      readonly host?: string | undefined
      readonly port: number
    }
  | { readonly path: string }

/** How to speak TLS with a server. Certificates and keys are PEM. */
export interface ClientTls {
  /** Whom to trust, in place of the authorities that Node knows. */
  readonly ca?: string | Uint8Array | undefined
  /** Who we are, for a server that wants to know. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /** The name that the server's certificate must be for. Its host unless given. */
  readonly servername?: string | undefined
  /**
   * Whether a certificate that can't be verified ends the connection. With false anybody may be at the other end.
   *
   * @default true
   */
  readonly rejectUnauthorized?: boolean | undefined
}

function describeLocation(location: ServerLocation): string {
  if ('path' in location) return location.path
  const { host = '127.0.0.1', port } = location
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/** The longest that a timer of Node can wait, in milliseconds: 24 days. */
const MAX_TIMEOUT = 2 ** 31 - 1

/** @throws RangeError when it is no time limit */
export function checkTimeout(timeout: number): number {
  if (timeout >= 0 && timeout <= MAX_TIMEOUT) return timeout
  throw new RangeError(`timeout is ${timeout}; it must be from 1 to ${MAX_TIMEOUT} milliseconds, or 0 for no limit`)
}

/**
 * Where a socket's bytes go, in place of its `data` events: into one buffer that all such sockets share, so that a read
 * costs no memory. The chunk is valid until `receive` returns.
 */
export interface Inlet {
  receive(chunk: Uint8Array): void
}

const SHARED_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Opens a socket; with TLS, until the handshake is done.
 *
 * @param timeout in milliseconds, for all of it; 0 waits as long as the system does
 * @throws ClientError `ERR_CLIENT_CONNECT`
 */
export function openSocket(location: ServerLocation, timeout: number, tls?: ClientTls, inlet?: Inlet): Promise<Socket> {
  const wrong = 'path' in location ? wrongWithPath(location.path) : undefined
  if (wrong !== undefined) {
    const message = `can't connect to ${describeLocation(location)}: ${wrong}`
    return Promise.reject(new ClientError('ERR_CLIENT_CONNECT', message))
  }
  return new Promise((resolve, reject) => {
    const where = { ...whereTo(location), ...readingInto(inlet) }
    const socket = tls === undefined ? connectSocket({ ...where, noDelay: true }) : connectSecurely(where, tls)
    const timer = timeout > 0 ? setTimeout(() => fail(new Error(`no answer within ${timeout} ms`)), timeout) : undefined
    const fail = (cause: Error) => {
      clearTimeout(timer)
      socket.destroy()
      const message = `can't connect to ${describeLocation(location)}: ${reasonOf(cause)}`
      reject(new ClientError('ERR_CLIENT_CONNECT', message, { cause }))
    }
    socket.once('error', fail)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

const whereTo = (location: ServerLocation) =>
  'path' in location ? { path: location.path } : { host: location.host ?? '127.0.0.1', port: location.port }

function readingInto(inlet: Inlet | undefined) {
  if (inlet === undefined) return {}
  const callback = (length: number) => {
    inlet.receive(SHARED_BUFFER.subarray(0, length))
    // And go on reading.
    return true
  }
  return { onread: { buffer: SHARED_BUFFER, callback } }
}

function connectSecurely(where: NetConnectOpts, tls: ClientTls): Socket {
  const { ca, cert, key, servername, rejectUnauthorized = true } = tls
  const bytes = (pem: string | Uint8Array) => (typeof pem === 'string' ? pem : Buffer.from(pem))
  const socket = connectTls({
    ...where,
    ...(ca === undefined ? {} : { ca: bytes(ca) }),
    ...(cert === undefined ? {} : { cert: bytes(cert) }),
    ...(key === undefined ? {} : { key: bytes(key) }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized,
  })
  return socket.setNoDelay(true)
}

/** What OpenSSL and Node say in words of their own, in words for whoever reads it; without the `ERR_` before some. */
const TLS_REASONS: ReadonlyArray<readonly [code: string, reason: string]> = [
  ['SSL_WRONG_VERSION_NUMBER', 'the server does not speak TLS on this port'],
  ['SSL_PACKET_LENGTH_TOO_LONG', 'the server does not speak TLS on this port'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed, and not trusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is from an authority that is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is from an authority that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is from an authority that is not trusted'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
]

/** Node's message when the other end is gone before the handshake is done. */
const GONE_IN_HANDSHAKE = 'Client network socket disconnected before secure TLS connection was established'

/** The reason in a few words: of a name with several addresses, Node gathers the failures without a message. */
function reasonOf(cause: Error): string {
  if (cause instanceof AggregateError) return cause.errors.map((error: Error) => error.message).join(', ')
  if (cause.message === GONE_IN_HANDSHAKE) {
    return 'the server ended the connection in the TLS handshake: perhaps it does not speak TLS on this port'
  }
  const code = 'code' in cause ? String(cause.code).replace(/^ERR_/, '') : undefined
  return TLS_REASONS.find(([known]) => known === code)?.[1] ?? cause.message
}
