import { connect, type Socket } from 'node:net'
import { connect as connectSecurely, type SecureContext } from 'node:tls'

/** What a client needs for TLS, in PEM: whom it trusts, and what it shows of itself. */
export interface ClientTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

/** How to connect to a server of 127.0.0.1. */
export interface DialOptions {
  readonly port: number
  /** From which of our addresses. */
  readonly localAddress?: string
  /** With TLS; made once for many connections, as it costs as much as one. */
  readonly secureContext?: SecureContext | undefined
  /** Called with the socket before anything can have come of it. */
  readonly prepare?: (socket: Socket) => void
}

/** Connects, and shakes hands where there is TLS. What is refused on the way is thrown. */
export async function dial({ port, localAddress, secureContext, prepare }: DialOptions): Promise<Socket> {
  const where = { host: '127.0.0.1', port, ...(localAddress === undefined ? {} : { localAddress }) }
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
