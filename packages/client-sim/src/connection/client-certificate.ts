import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** What one connection's handshake showed about client certificates. */
interface Handshake {
  /** Whether the client has a certificate to send. */
  readonly shown: boolean
  /** Whether the server asked for it. */
  asked: boolean
  /** When the handshake was done, on the monotonic clock, in milliseconds. */
  doneAt: number | undefined
}

const handshakes = new WeakMap<Socket, Handshake>()

/** A server that refuses a certificate ends the connection within this time after the handshake, in milliseconds. */
const REFUSAL_TIME = 5000

/** Alerts for a wrong or a missing certificate, without the prefix `ERR_SSL_`. */
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

/** This alert is about the certificate only if the server asked for one. */
const HANDSHAKE_FAILURE = 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'

const REQUIRED = 'the server requires a client certificate'

/** Watches a handshake from its beginning, for {@link certificateFailure}. */
export function watchHandshake(socket: TLSSocket, shown: boolean): void {
  const handshake: Handshake = { shown, asked: false, doneAt: undefined }
  handshakes.set(socket, handshake)
  const check = () => {
    handshake.asked ||= askedForCertificate(socket)
  }
  // A failed socket no longer knows it, so check early: keys are made after the server's certificate request.
  socket.on('keylog', check)
  socket.once('secureConnect', () => {
    check()
    socket.off('keylog', check)
    // With TLS 1.3 the server checks the client's certificate only now.
    handshake.doneAt = performance.now()
  })
}

/** Why the client's certificate may have ended a connection. */
export interface CertificateFailure {
  readonly message: string
  /** True: this was the reason. False: it may have been. */
  readonly certain: boolean
}

/**
 * Whether a connection was lost because of the client's certificate.
 *
 * @param cause the socket's error; none when the server ended the connection
 * @param hasReceived whether the server has sent anything after the handshake
 */
export function certificateFailure(
  socket: Socket,
  cause: Error | undefined,
  hasReceived: boolean,
): CertificateFailure | undefined {
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
  // A server may end the connection without an alert, and a reset may overtake an alert.
  const inTime = doneAt === undefined || performance.now() - doneAt < REFUSAL_TIME
  const isEnd = code === '' || code === 'ECONNRESET' || code === 'EPIPE' || code === HANDSHAKE_FAILURE
  if (hasReceived || !inTime || !isEnd) return undefined
  if (shown) return { message: 'perhaps the server refused the client certificate', certain: false }
  return { message: `${REQUIRED}: it asked for one, got none, and ended the connection`, certain: true }
}

/** A certificate request lists the signature algorithms that the server accepts. Without a request OpenSSL has none. */
function askedForCertificate(socket: TLSSocket): boolean {
  return (socket.getSharedSigalgs() ?? []).length > 0
}
