import { connect as connectSocket, isIP, type NetConnectOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ClientError } from '../common/client-error.ts'
import { listenTo, stopListening } from './abort-signals.ts'
import { watchHandshake } from './client-certificate.ts'
import { connectError } from './connect-error.ts'
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

/**
 * Where a socket's bytes go, in place of its `data` events: into one buffer that all such sockets share, so that a read
 * costs no memory. The chunk is valid until `receive` returns.
 */
export interface Inlet {
  receive(chunk: Uint8Array): void
}

const SHARED_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

/** How long a connection is idle before the system asks the other end whether it is there, in milliseconds. */
const KEEPALIVE_DELAY = 30_000

/** How to open a socket. */
export interface OpenSocketOptions {
  /** In milliseconds, for all of it; 0 waits as long as the system does. */
  readonly timeout: number
  readonly tls?: ClientTls | undefined
  readonly inlet?: Inlet
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a socket; with TLS, until the handshake is done.
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_CERTIFICATE`; and the signal's reason
 */
export function openSocket(
  location: ServerLocation,
  { timeout, tls, inlet, signal }: OpenSocketOptions,
): Promise<Socket> {
  const wrong = 'path' in location ? wrongWithPath(location.path) : undefined
  if (wrong !== undefined) {
    const message = `can't connect to ${describeLocation(location)}: ${wrong}`
    return Promise.reject(new ClientError('ERR_CLIENT_CONNECT', message))
  }
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const where = { ...whereTo(location), ...readingInto(inlet) }
    const socket = tls === undefined ? connectSocket(where) : connectSecurely(where, tls)
    socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY))
    const tooLate = () => failed(new Error(`no answer within ${timeout} ms`))
    const timer = timeout > 0 ? setTimeout(tooLate, timeout) : undefined
    const abortable = { aborted: giveUp }
    if (signal !== undefined) listenTo(signal, abortable)
    socket.once('error', failed)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settle()
      resolve(socket)
    })

    function settle(): void {
      clearTimeout(timer)
      if (signal !== undefined) stopListening(signal, abortable)
      socket.off('error', failed)
    }
    function failed(cause: Error): void {
      giveUp(connectError(describeLocation(location), socket, cause))
    }
    function giveUp(reason: unknown): void {
      settle()
      // What comes of a socket that is no longer wanted is of no use.
      socket.on('error', () => {})
      socket.destroy()
      reject(reason)
    }
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
  watchHandshake(socket, cert !== undefined)
  return socket
}
