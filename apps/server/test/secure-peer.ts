import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { Peer } from '@demo/testkit/peer'
import { within } from '@demo/testkit/wait-for'
import type { DemoServer } from './demo-server.ts'

/** A TLS peer, with the socket that has the server's certificate. */
export interface SecurePeer {
  readonly peer: Peer
  readonly socket: TLSSocket
}

/** Connects with TLS. In version 1.3 a client finishes the handshake before the server has checked its certificate. */
export async function connectSecurely(server: DemoServer, options: ConnectionOptions): Promise<SecurePeer> {
  const socket = connect({ host: '127.0.0.1', port: server.port, ...options })
  const peer = server.keep(new Peer({ stream: socket, reset: () => socket.destroy() }))
  peer.read()
  const secured = new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', () => resolve())
    socket.once('error', reject)
  })
  await within(secured, 'for a TLS handshake')
  return { peer, socket }
}
