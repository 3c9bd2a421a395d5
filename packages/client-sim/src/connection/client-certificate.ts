import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** What is known of the client's certificate, on one connection. */
interface Handshake {
  /** Whether the client has one to show. */
  readonly shown: boolean
  /** Whether the server asked for it. */
  asked: boolean
  /** When the handshake was done, on the monotonic clock. */
  doneAt: number | undefined
}

const handshakes = new WeakMap<Socket, Handshake>()

/** A connection that the server ends so soon, in milliseconds, may have been refused. */
const SOON = 5000

/** Alerts that say that the certificate is wrong, or that there is none; without the `ERR_SSL_` before them. */
const ALERTS: Readonly<Record<string, string>> = {
  SSLV3_ALERT_BAD_CERTIFICATE: 'it is bad',
  SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'it is of a kind that the server does not support',
  SSLV3_ALERT_CERTIFICATE_REVOKED: 'it was revoked',
  SSLV3_ALERT_CERTIFICATE_EXPIRED: 'it has expired',
  SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the server could not process it',
  TLSV1_ALERT_UNKNOWN_CA: 'it is from an authority that the server does not trust',
  TLSV1_ALERT_ACCESS_DENIED: 'it gives no access',
  TLSV1_ALERT_DECRYPT_ERROR: 'its signature is wrong',
}

/** Alerts that say so only where a certificate was asked for and none was shown. */
const HANDSHAKE_FAILURE = 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'

const REQUIRED = 'the server requires a client certificate'

/** Watches a handshake from its beginning, for {@link certificateTrouble}. */
export function watchHandshake(socket: TLSSocket, shown: boolean): void {
  const handshake: Handshake = { shown, asked: false, doneAt: undefined }
  handshakes.set(socket, handshake)
  const look = () => {
    handshake.asked ||= askedForCertificate(socket)
  }
  // A failed socket gives no answer, so it is asked early. Keys are made after the server's certificate request.
  socket.on('keylog', look)
  socket.once('secureConnect', () => {
    look()
    socket.off('keylog', look)
    // With TLS 1.3 the server looks at the client's certificate only now.
    handshake.doneAt = performance.now()
  })
}

/** What a lost connection has to do with the client's certificate. */
export interface CertificateTrouble {
  readonly message: string
  /** Whether it is known, and not only possible. */
  readonly certain: boolean
}

/**
 * Whether a connection was lost because of the client's certificate.
 *
 * @param cause the socket's error; none when the server ended the connection
 * @param heard whether the server has sent anything after the handshake
 */
export function certificateTrouble(
  socket: Socket,
  cause: Error | undefined,
  heard: boolean,
): CertificateTrouble | undefined {
  const handshake = handshakes.get(socket)
  if (handshake === undefined) return undefined
  const { shown, asked, doneAt } = handshake
  const code = cause !== undefined && 'code' in cause ? String(cause.code) : ''
  if (code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') return { message: REQUIRED, certain: true }
  if (!asked) return undefined
  const alert = ALERTS[code.replace(/^ERR_SSL_/, '')]
  if (alert !== undefined) {
    return { message: shown ? `the server refused the client certificate: ${alert}` : REQUIRED, certain: true }
  }
  // A server may end the connection without an alert, and a reset may overtake one.
  const soon = doneAt === undefined || performance.now() - doneAt < SOON
  const isEnd = code === '' || code === 'ECONNRESET' || code === 'EPIPE' || code === HANDSHAKE_FAILURE
  if (heard || !soon || !isEnd) return undefined
  if (shown) return { message: 'perhaps the server refused the client certificate', certain: false }
  return { message: `${REQUIRED}: it asked for one, got none, and ended the connection`, certain: true }
}

/** A server that asks for a certificate says which signatures it takes; OpenSSL has them only then. */
function askedForCertificate(socket: TLSSocket): boolean {
  return (socket.getSharedSigalgs() ?? []).length > 0
}
