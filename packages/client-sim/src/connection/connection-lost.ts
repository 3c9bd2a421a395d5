import type { Socket } from 'node:net'
import { ClientError } from '../common/client-error.ts'
import { certificateTrouble } from './client-certificate.ts'

/** How a connection was lost. */
export interface Loss {
  readonly socket: Socket
  /** The socket's error; none when the server ended the connection. */
  readonly cause?: Error | undefined
  /** Whether the server had sent anything. */
  readonly heard: boolean
  /** What the server left undone, for the message. */
  readonly undone?: string
  readonly sent?: boolean
}

/** The error of a connection that was lost. */
export function connectionLost({ socket, cause, heard, undone = '', sent = false }: Loss): ClientError {
  const trouble = certificateTrouble(socket, cause, heard)
  if (trouble?.certain) return new ClientError('ERR_CLIENT_CERTIFICATE', trouble.message, { cause, sent })
  const how =
    cause === undefined ? `the server ended the connection${undone}` : `the connection was lost: ${cause.message}`
  const hint = trouble === undefined ? '' : `; ${trouble.message}`
  return new ClientError('ERR_CLIENT_CONNECTION_LOST', how + hint, { cause, sent })
}
