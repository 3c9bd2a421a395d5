import type { Socket } from 'node:net'
import { ClientError } from '../common/client-error.ts'
import { certificateFailure } from './client-certificate.ts'

/** The error of a connection that could not be made. */
export function connectError(where: string, socket: Socket | undefined, cause: Error): ClientError {
  const failure = socket && certificateFailure(socket, cause, false)
  const code = failure?.certain ? 'ERR_CLIENT_CERTIFICATE' : 'ERR_CLIENT_CONNECT'
  const reason = failure?.certain ? failure.message : reasonOf(cause)
  const hint = failure?.certain === false ? `; ${failure.message}` : ''
  return new ClientError(code, `can't connect to ${where}: ${reason}${hint}`, { cause })
}

/** Plain reasons for the error codes of OpenSSL and Node, without the `ERR_` prefix. */
const TLS_REASONS: ReadonlyArray<readonly [code: string, reason: string]> = [
  ['SSL_WRONG_VERSION_NUMBER', 'the server does not speak TLS on this port'],
  ['SSL_PACKET_LENGTH_TOO_LONG', 'the server does not speak TLS on this port'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed, and not trusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is from an authority that is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is from an authority that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is from an authority that is not trusted'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
]

/** Node's message when the server ends the connection during the handshake. */
const GONE_IN_HANDSHAKE = 'Client network socket disconnected before secure TLS connection was established'

/** The reason in a few words. For a name with several addresses, Node's error has one error for each and no message. */
function reasonOf(cause: Error): string {
  if (cause instanceof AggregateError) return cause.errors.map((error: Error) => error.message).join(', ')
  if (cause.message === GONE_IN_HANDSHAKE) {
    return 'the server ended the connection in the TLS handshake: perhaps it does not speak TLS on this port'
  }
  const code = 'code' in cause ? String(cause.code).replace(/^ERR_/, '') : undefined
  return TLS_REASONS.find(([known]) => known === code)?.[1] ?? cause.message
}
