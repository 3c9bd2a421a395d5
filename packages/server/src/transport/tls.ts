import { constants, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { MAX_TIMER } from '../internal/timers.ts'
import { HandshakeError } from './handshake-error.ts'

/** TLS options of a server: PEM, as text or as the bytes of a file. */
export interface TlsOptions {
  /** The certificate, followed by the intermediate certificates. */
  readonly cert: string | Buffer
  /** The private key of the certificate. */
  readonly key: string | Buffer
  /** The authorities that sign the certificates of clients. */
  readonly ca?: string | Buffer | undefined
  /**
   * Whether a client must present a certificate that `ca` signed: mutual TLS. Other clients are closed as
   * `unauthorized`.
   *
   * @default false
   */
  readonly requireClientCert?: boolean | undefined
}

/**
 * TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only.
 *
 * Source: "Server Side TLS", Mozilla, the intermediate configuration.
 */
const MODERN = {
  minVersion: 'TLSv1.2',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const

/** Why a client's certificate is refused, by OpenSSL's code. */
const REFUSED: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is signed by an unknown authority',
}

/** Why a handshake fails, by the code of OpenSSL or the system. */
const FAILED: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: 'the peer seems to speak HTTP, without TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer seems not to speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the peer seems not to speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer does not support TLS 1.2 or later',
  ERR_SSL_NO_SHARED_CIPHER: 'the peer supports none of our ciphers',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the peer does not trust the authority that signed our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the peer does not accept our certificate',
  ECONNRESET: 'the peer ended the connection',
}

interface Waiting {
  readonly resolve: (secured: TLSSocket) => void
  readonly reject: (error: HandshakeError) => void
}

/** Does the TLS handshake on accepted sockets. */
export class Tls {
  /** It never listens: accepted sockets are passed to it. */
  readonly #server: Server
  readonly #waiting = new WeakMap<Socket, Waiting>()

  /** @throws Error when a part is not PEM, or certificate and key do not match */
  constructor(options: TlsOptions) {
    const { requireClientCert = false } = options
    // With rejectUnauthorized the connection would end without an error. The certificate is checked below.
    // The time limit is the session's, checked in its sweep.
    const verification = { requestCert: requireClientCert, rejectUnauthorized: false }
    this.#server = createServer({ ...contextOf(options), ...verification, handshakeTimeout: MAX_TIMER })
    this.#server.on('secureConnection', (secured) => {
      secured.allowHalfOpen = true
      const refusal = requireClientCert ? refusalOf(secured) : undefined
      if (refusal === undefined) this.#waitingFor(secured)?.resolve(secured)
      else this.#waitingFor(secured)?.reject(new HandshakeError(refusal, 'unauthorized'))
    })
    this.#server.on('tlsClientError', (error, secured) => this.#waitingFor(secured)?.reject(explain(error, secured)))
  }

  /**
   * Uses another certificate, key and authorities for new connections. Open connections are not affected.
   *
   * @throws Error as the constructor does; then nothing has changed
   */
  renew(options: TlsOptions): void {
    this.#server.setSecureContext(contextOf(options))
  }

  /**
   * Does the handshake on an accepted socket.
   *
   * @returns the socket to use instead of the plain one
   * @throws HandshakeError
   */
  secure(plain: Socket): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(plain, { resolve, reject })
      // A peer that ends its side before the handshake is done is gone. After the handshake it may still read answers.
      plain.allowHalfOpen = false
      this.#server.emit('connection', plain)
    })
  }

  #waitingFor(secured: TLSSocket): Waiting | undefined {
    const plain = plainSocketOf(secured)
    return plain === undefined ? undefined : this.#waiting.get(plain)
  }
}

/** Node has no public property for the plain socket. */
function plainSocketOf(secured: TLSSocket): Socket | undefined {
  return (secured as { _parent?: Socket })._parent
}

/** @throws Error when a part is not PEM, or certificate and key do not match */
function contextOf({ cert, key, ca, requireClientCert = false }: TlsOptions): SecureContextOptions {
  if (cert.length === 0 || key.length === 0) throw new Error('cert and key are both required')
  if (requireClientCert && ca === undefined) throw new Error('requireClientCert needs a ca')
  if (ca !== undefined) checkAuthorities(ca)
  const context = { ...MODERN, cert, key, ...(ca === undefined ? {} : { ca }) }
  createSecureContext(context)
  return context
}

/**
 * Checks the authorities. Node ignores text that is not a certificate, and would then refuse every client.
 *
 * @throws Error when there is none, or one is invalid
 */
function checkAuthorities(ca: string | Buffer): void {
  const blocks = ca.toString().split(/(?=-----BEGIN )/)
  const certificates = blocks.filter((block) => /^-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(block))
  if (certificates.length === 0) throw new Error('the ca contains no certificate')
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    } catch (error) {
      throw new Error(`the ca contains an invalid certificate: ${(error as Error).message}`)
    }
  }
}

/**
 * Why the client is refused, or undefined. `authorized` alone is not enough: with TLS 1.3 Node also sets it for a resumed
 * session without a certificate.
 */
export function refusalOf(
  secured: Pick<TLSSocket, 'authorized' | 'authorizationError' | 'getPeerX509Certificate'>,
): string | undefined {
  if (secured.getPeerX509Certificate() === undefined) return 'the client presented no certificate'
  if (secured.authorized) return undefined
  const code = String(secured.authorizationError)
  return `the client's certificate ${REFUSED[code] ?? `is refused: ${code}`}`
}

function explain(error: NodeJS.ErrnoException, secured: TLSSocket): HandshakeError {
  const { code = '', syscall, message } = error
  // A peer that connects and closes is a health check, for example of a load balancer. It has not failed.
  const nothingSaid = code === 'ECONNRESET' && plainSocketOf(secured)?.bytesRead === 0
  const ended = nothingSaid ? 'peer-closed' : 'handshake-error'
  const reason = code === 'ECONNRESET' && syscall !== undefined ? 'peer-reset' : ended
  return new HandshakeError(`the TLS handshake failed: ${FAILED[code] ?? message}`, reason, { cause: error })
}
