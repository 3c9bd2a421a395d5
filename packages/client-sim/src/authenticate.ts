import type { Socket } from 'node:net'
import { encodeFrame } from '@demo/frame'
import { type BytesLike, CommandId, type PacketCodec } from '@demo/packet'
import { AckReader, unexpectedAck } from './ack-reader.ts'
import { ClientError } from './client-error.ts'
import type { Inlet } from './connect.ts'

/** The serial number of the Conn: the first one of its connection. */
export const CONN_SERIAL = 1

/**
 * Sends the Conn that lets a socket in, and waits for its answer. Nobody else may use the socket meanwhile; if it comes
 * to nothing it is destroyed.
 *
 * @param inlet where the socket's bytes go
 * @param credentials a bearer token as text, or any bytes
 * @param timeout in milliseconds; 0 is no limit
 * @throws TypeError `ERR_PACKET_NOT_BYTES` when the credentials are neither text nor bytes
 * @throws ClientError `ERR_CLIENT_UNAUTHORIZED`, `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`
 */
export function authenticate(
  socket: Socket,
  inlet: Inlet,
  codec: PacketCodec,
  credentials: string | BytesLike,
  timeout: number,
): Promise<void> {
  let frame: Uint8Array
  try {
    frame = connOf(credentials, codec)
  } catch (error) {
    socket.destroy()
    return Promise.reject(error)
  }
  const reader = new AckReader(codec)
  return new Promise((resolve, reject) => {
    const timer = timeout > 0 ? setTimeout(() => settle(timedOut(timeout)), timeout) : undefined
    const settle = (error?: ClientError) => {
      clearTimeout(timer)
      inlet.receive = () => {}
      socket.off('end', ended)
      socket.off('error', failed)
      if (error === undefined) return resolve()
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const receive = (chunk: Uint8Array) => {
      try {
        reader.read(chunk, (ack) => {
          if (ack.command !== CommandId.ConnAck || ack.serial !== CONN_SERIAL) {
            throw unexpectedAck(ack, ack.serial === CONN_SERIAL ? CommandId.Conn : undefined)
          }
          settle(ack.result === 0 ? undefined : refused())
        })
      } catch (error) {
        settle(error as ClientError)
      }
    }
    const ended = () => settle(lost('the server ended the connection before it answered the credentials'))
    const failed = (cause: Error) => settle(lost(`the connection was lost: ${cause.message}`, cause))
    inlet.receive = receive
    socket.on('end', ended)
    socket.on('error', failed)
    socket.write(frame)
  })
}

function connOf(credentials: string | BytesLike, codec: PacketCodec): Uint8Array {
  const payload = typeof credentials === 'string' ? new TextEncoder().encode(credentials) : credentials
  const id = String(CONN_SERIAL).padStart(8, '0')
  return encodeFrame(codec.encode({ command: CommandId.Conn, id, payload }))
}

const refused = () => new ClientError('ERR_CLIENT_UNAUTHORIZED', 'the server refused the credentials')

const timedOut = (timeout: number) =>
  new ClientError('ERR_CLIENT_TIMEOUT', `no answer to the credentials came within ${timeout} ms`, { sent: true })

const lost = (message: string, cause?: Error) =>
  new ClientError('ERR_CLIENT_CONNECTION_LOST', message, { cause, sent: true })
