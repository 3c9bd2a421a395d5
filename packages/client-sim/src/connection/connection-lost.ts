import type { Socket } from 'node:net'
import { ClientError } from '../common/client-error.ts'
import { certificateFailure } from './client-certificate.ts'

/** How a connection was lost. */
export interface LostConnection {
  /** Undefined on the native engine, which knows no certificates. */
  readonly socket?: Socket | undefined
  /** The socket's error; none when the server ended the connection. */
  readonly cause?: Error | undefined
  /** Whether the server had sent anything. */
  readonly hasReceived: boolean
  /** What the server did not do before it ended the connection, for the message. */
  readonly unfinished?: string
  readonly sent?: boolean
}

/** The error of a connection that was lost. */
export function connectionLost({
  socket,
  cause,
  hasReceived,
  unfinished = '',
  sent = false,
}: LostConnection): ClientError {
  const failure = socket && certificateFailure(socket, cause, hasReceived)
  if (failure?.certain) return new ClientError('ERR_CLIENT_CERTIFICATE', failure.message, { cause, sent })
  const how =
    cause === undefined ? `the server ended the connection${unfinished}` : `the connection was lost: ${cause.message}`
  const hint = failure === undefined ? '' : `; ${failure.message}`
  return new ClientError('ERR_CLIENT_CONNECTION_LOST', how + hint, { cause, sent })
}
