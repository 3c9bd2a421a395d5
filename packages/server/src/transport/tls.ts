import { constants, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { HandshakeError } from './handshake-error.ts'

/** TLS of a server: PEM, as text or as the bytes of a file. */
export interface TlsOptions {
  /** The certificate, followed by those between it and the root. */
  readonly cert: string | Buffer
  /** The private key of the certificate. */
  readonly key: string | Buffer
  /** The authorities that sign the certificates of clients. */
  readonly ca?: string | Buffer | undefined
  /**
   * Whether a client must show a certificate that `ca` signed: mutual TLS. One that does not is closed as
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

/** Why a client's certificate is refused, by OpenSSL's name for it. */
const REFUSED: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an authority that is not ours',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an authority that is not ours',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is signed by an authority that is not ours',
}

/** Why a handshake fails, by the name that OpenSSL or the system has for it. */
const FAILED: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: 'the peer seems to speak HTTP, without TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer seems not to speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the peer seems not to speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer speaks no version of TLS from 1.2 on',
  ERR_SSL_NO_SHARED_CIPHER: 'the peer knows none of our ciphers',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the peer does not trust the authority that signed our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the peer does not accept our certificate',
  ECONNRESET: 'the peer ended the connection',
}

/** The limit is the session's own, in one sweep for all. This is the longest that a timer of Node can wait. */
const NO_TIMEOUT = 2 ** 31 - 1

interface Waiting {
  readonly resolve: (secured: TLSSocket) => void
  readonly reject: (error: HandshakeError) => void
}

/** Makes secure connections of plain ones. */
export class Tls {
  /** It never listens: connections are handed to it. */
  readonly #server: Server
  readonly #waiting = new WeakMap<Socket, Waiting>()

  /** @throws Error when something of it is no PEM, or certificate and key do not belong together */
  constructor(options: TlsOptions) {
    const { requireClientCert = false } = options
    // rejectUnauthorized would end a connection without a word: it is judged below.
    const judging = { requestCert: requireClientCert, rejectUnauthorized: false }
    this.#server = createServer({ ...contextOf(options), ...judging, handshakeTimeout: NO_TIMEOUT })
    this.#server.on('secureConnection', (secured) => {
      secured.allowHalfOpen = true
      const refusal = requireClientCert ? refusalOf(secured) : undefined
      if (refusal === undefined) this.#waitingFor(secured)?.resolve(secured)
      else this.#waitingFor(secured)?.reject(new HandshakeError(refusal, 'unauthorized'))
    })
    this.#server.on('tlsClientError', (error, secured) => this.#waitingFor(secured)?.reject(explain(error, secured)))
  }

  /**
   * Uses another certificate, key and authorities from the next connection on. Those that are open go on.
   *
   * @throws Error as the constructor does; then nothing has changed
   */
  renew(options: TlsOptions): void {
    this.#server.setSecureContext(contextOf(options))
  }

  /**
   * Shakes hands.
   *
   * @returns what to read and write instead of the plain socket
   * @throws HandshakeError
   */
  secure(plain: Socket): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(plain, { resolve, reject })
      // A peer that ends its side before the handshake is done is gone; afterwards it may still want its answers.
      plain.allowHalfOpen = false
      this.#server.emit('connection', plain)
    })
  }

  #waitingFor(secured: TLSSocket): Waiting | undefined {
    const plain = plainSocketOf(secured)
    return plain === undefined ? undefined : this.#waiting.get(plain)
  }
}

/** Node has no public name for it. */
function plainSocketOf(secured: TLSSocket): Socket | undefined {
  return (secured as { _parent?: Socket })._parent
}

/** @throws Error when something of it is no PEM, or certificate and key do not belong together */
function contextOf({ cert, key, ca, requireClientCert = false }: TlsOptions): SecureContextOptions {
  if (cert.length === 0 || key.length === 0) throw new Error('it needs both cert and key')
  if (requireClientCert && ca === undefined) throw new Error('requireClientCert needs a ca')
  if (ca !== undefined) checkAuthorities(ca)
  const context = { ...MODERN, cert, key, ...(ca === undefined ? {} : { ca }) }
  createSecureContext(context)
  return context
}

/**
 * Node takes whatever is no certificate for no authority, without a word: nobody would get in.
 *
 * @throws Error when there is none, or one that can't be read
 */
function checkAuthorities(ca: string | Buffer): void {
  const blocks = ca.toString().split(/(?=-----BEGIN )/)
  const certificates = blocks.filter((block) => /^-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(block))
  if (certificates.length === 0) throw new Error('there is no certificate in the ca')
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    } catch (error) {
      throw new Error(`a certificate in the ca can't be read: ${(error as Error).message}`)
    }
  }
}

/**
 * Why the client is not let in, or undefined. `authorized` alone proves nothing: with TLS 1.3 Node sets it for a resumed
 * session without a certificate too.
 */
export function refusalOf(
  secured: Pick<TLSSocket, 'authorized' | 'authorizationError' | 'getPeerX509Certificate'>,
): string | undefined {
  if (secured.getPeerX509Certificate() === undefined) return 'the client showed no certificate'
  if (secured.authorized) return undefined
  const code = String(secured.authorizationError)
  return `the client's certificate ${REFUSED[code] ?? `is refused: ${code}`}`
}

function explain(error: NodeJS.ErrnoException, secured: TLSSocket): HandshakeError {
  const { code = '', syscall, message } = error
  // A peer that connects and goes, as a load balancer does to see whether we live, has not failed.
  const nothingSaid = code === 'ECONNRESET' && plainSocketOf(secured)?.bytesRead === 0
  const ended = nothingSaid ? 'peer-closed' : 'handshake-error'
  const reason = code === 'ECONNRESET' && syscall !== undefined ? 'peer-reset' : ended
  return new HandshakeError(`the TLS handshake failed: ${FAILED[code] ?? message}`, reason, { cause: error })
}
