import type { Socket } from 'node:net'
import { createPacketCodec, type Dialect, type PacketCodec } from '@demo/packet'
import { bytesOf, type Payload } from '../common/payload.ts'
import { AckReader } from './ack-reader.ts'
import { authenticate, CONN_SERIAL } from './authenticate.ts'
import type { ClientTls } from './client-tls.ts'
import { openSocket } from './open-socket.ts'
import type { ReadSink } from './read-sink.ts'
import type { ServerLocation } from './server-location.ts'

/** How to open a connection. */
export type OpenConnectionOptions = ServerLocation & {
  readonly dialect?: Dialect | undefined
  readonly tls?: ClientTls | undefined
  readonly credentials?: string | Payload | undefined
  readonly signal?: AbortSignal | undefined
}

/** A connection that is open, and authenticated if there were credentials. */
export interface OpenConnection {
  readonly socket: Socket
  /** Its owner sets `receive`. */
  readonly sink: ReadSink
  readonly codec: PacketCodec
  /** May hold part of a frame. */
  readonly reader: AckReader
  /** The serial number of the request sent last; 0 if there was none. */
  readonly lastSerial: number
}

/**
 * Opens a socket, and authenticates if there are credentials.
 *
 * @param timeout for the socket, and then for the answer to the credentials, in milliseconds; 0 is no limit
 * @throws ClientError see `openSocket` and `authenticate`
 * @throws RangeError when the dialect is unknown
 * @throws TypeError `ERR_INVALID_ARG_TYPE` when the credentials are not bytes
 */
export async function openConnection(options: OpenConnectionOptions, timeout: number): Promise<OpenConnection> {
  const { dialect, tls, signal } = options
  const codec = createPacketCodec({ dialect })
  const credentials = options.credentials === undefined ? undefined : credentialBytes(options.credentials)
  const sink: ReadSink = { receive() {} }
  const reader = new AckReader(codec)
  const socket = await openSocket(options, { timeout, tls, sink, signal })
  if (credentials === undefined) return { socket, sink, codec, reader, lastSerial: 0 }
  await authenticate({ socket, sink, codec, reader, credentials, timeout, signal })
  return { socket, sink, codec, reader, lastSerial: CONN_SERIAL }
}

/** Credentials as they are sent: text is UTF-8. */
function credentialBytes(credentials: string | Payload): Uint8Array {
  return typeof credentials === 'string' ? new TextEncoder().encode(credentials) : bytesOf(credentials, 'credentials')
}
