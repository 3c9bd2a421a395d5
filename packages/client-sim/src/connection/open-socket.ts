import { connect, type Socket } from 'node:net'
import { listenTo, stopListening } from './abort-signals.ts'
import { type ClientTls, connectTls } from './client-tls.ts'
import { connectError } from './connect-error.ts'
import { locationProblem } from './location-problem.ts'
import { type ReadSink, readInto } from './read-sink.ts'
import { addressOf, describeLocation, type ServerLocation } from './server-location.ts'

/** Idle time before TCP keep-alive probes start, in milliseconds. */
const KEEPALIVE_DELAY = 30_000

/** How to open a socket. */
export interface OpenSocketOptions {
  /** In milliseconds, for name, connection and TLS together; 0 waits as long as the system does. */
  readonly timeout: number
  readonly tls?: ClientTls | undefined
  readonly sink?: ReadSink
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a socket; with TLS it resolves after the handshake.
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_CERTIFICATE`; and the signal's reason
 */
export function openSocket(
  location: ServerLocation,
  { timeout, tls, sink, signal }: OpenSocketOptions,
): Promise<Socket> {
  const problem = locationProblem(location)
  if (problem !== undefined) return Promise.reject(problem)
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const address = { ...addressOf(location), ...(sink === undefined ? {} : readInto(sink)) }
    const socket = tls === undefined ? connect(address) : connectTls(address, tls)
    socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY))
    const timedOut = () => failed(new Error(`no answer within ${timeout} ms`))
    const timer = timeout > 0 ? setTimeout(timedOut, timeout) : undefined
    const abortable = { aborted: giveUp }
    if (signal !== undefined) listenTo(signal, abortable)
    socket.once('error', failed)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settle()
      resolve(socket)
    })

    function settle(): void {
      clearTimeout(timer)
      if (signal !== undefined) stopListening(signal, abortable)
      socket.off('error', failed)
    }
    function failed(cause: Error): void {
      giveUp(connectError(describeLocation(location), socket, cause))
    }
    function giveUp(reason: unknown): void {
      settle()
      // Ignore later errors of the abandoned socket.
      socket.on('error', () => {})
      socket.destroy()
      reject(reason)
    }
  })
}
