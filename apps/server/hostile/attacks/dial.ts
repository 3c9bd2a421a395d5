import { connect, type Socket } from 'node:net'
import { connect as connectSecurely, type SecureContext } from 'node:tls'

/** What a client needs for TLS, in PEM: the authority it trusts, and its own certificate and key. */
export interface ClientTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

/** How to connect to a server on 127.0.0.1. */
export interface DialOptions {
  readonly port: number
  /** The source address. */
  readonly localAddress?: string
  /** With TLS. Make it once for many connections: it costs as much as a connection. */
  readonly secureContext?: SecureContext | undefined
  readonly allowHalfOpen?: boolean
  /** Called with the socket before its first event. */
  readonly prepare?: (socket: Socket) => void
}

/** Connects, with a TLS handshake if there is a secure context. Throws when the connection is refused or closed. */
export async function dial({
  allowHalfOpen = false,
  port,
  localAddress,
  secureContext,
  prepare,
}: DialOptions): Promise<Socket> {
  const where = { host: '127.0.0.1', port, allowHalfOpen, ...(localAddress === undefined ? {} : { localAddress }) }
  const socket = secureContext === undefined ? connect(where) : connectSecurely({ ...where, secureContext })
  socket.setNoDelay(true)
  prepare?.(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once(secureContext === undefined ? 'connect' : 'secureConnect', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })
  return socket
}
