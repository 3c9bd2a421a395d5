import type { Socket } from 'node:net'
import { encodeFrame } from '@demo/frame'
import { CommandId, type PacketCodec } from '@demo/packet'
import { asClientError, asSent, ClientError } from '../common/client-error.ts'
import { listenTo, stopListening } from './abort-signals.ts'
import { type AckReader, unexpectedAck } from './ack-reader.ts'
import { connectionLost } from './connection-lost.ts'
import type { ReadSink } from './read-sink.ts'

/** The serial number of the Conn: the first one of its connection. */
export const CONN_SERIAL = 1

/** How to authenticate on a socket. */
export interface AuthenticateOptions {
  readonly socket: Socket
  /** Where the socket's bytes go. */
  readonly sink: ReadSink
  readonly codec: PacketCodec
  /** Keep using this reader afterwards: it may hold part of a frame. */
  readonly reader: AckReader
  readonly credentials: Uint8Array
  /** In milliseconds; 0 is no limit. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Sends a Conn and waits for its answer. Nothing else may use the socket until then. If it fails the socket is
 * destroyed.
 *
 * @throws ClientError `ERR_CLIENT_UNAUTHORIZED`, `ERR_CLIENT_CERTIFICATE`, `ERR_CLIENT_TIMEOUT`,
 *   `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`; and the signal's reason
 */
export function authenticate(options: AuthenticateOptions): Promise<void> {
  const { socket, sink, codec, reader, credentials, timeout, signal } = options
  const id = String(CONN_SERIAL).padStart(8, '0')
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      socket.on('error', () => {})
      socket.destroy()
      reject(signal.reason)
      return
    }
    let hasReceived = false
    const timer = timeout > 0 ? setTimeout(() => giveUp(timedOut(timeout)), timeout) : undefined
    const abortable = { aborted: giveUp }
    if (signal !== undefined) listenTo(signal, abortable)
    sink.receive = receive
    socket.on('end', ended)
    socket.on('error', failed)
    socket.write(encodeFrame(codec.encode({ command: CommandId.Conn, id, payload: credentials })))

    function receive(chunk: Uint8Array): void {
      hasReceived = true
      try {
        reader.push(chunk)
        const ack = reader.next()
        if (ack === undefined) return
        if (ack.command !== CommandId.ConnAck || ack.serial !== CONN_SERIAL) {
          throw unexpectedAck(ack, ack.serial === CONN_SERIAL ? CommandId.Conn : undefined)
        }
        if (ack.result !== 0) {
          giveUp(refused())
          return
        }
        // No other request was sent yet.
        const another = reader.next()
        if (another !== undefined) throw unexpectedAck(another, undefined)
        settle()
        resolve()
      } catch (error) {
        giveUp(asSent(asClientError(error)))
      }
    }
    function ended(): void {
      try {
        reader.finish()
        giveUp(connectionLost({ socket, hasReceived, unfinished: ' before it answered the credentials', sent: true }))
      } catch (error) {
        giveUp(asSent(asClientError(error)))
      }
    }
    function failed(cause: Error): void {
      giveUp(connectionLost({ socket, cause, hasReceived, sent: true }))
    }
    function settle(): void {
      clearTimeout(timer)
      if (signal !== undefined) stopListening(signal, abortable)
      sink.receive = () => {}
      socket.off('end', ended)
      socket.off('error', failed)
    }
    function giveUp(error: unknown): void {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
  })
}

const refused = () => new ClientError('ERR_CLIENT_UNAUTHORIZED', 'the server refused the credentials')

const timedOut = (timeout: number) =>
  new ClientError('ERR_CLIENT_TIMEOUT', `no answer to the credentials came within ${timeout} ms`, { sent: true })
