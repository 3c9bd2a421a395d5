import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { Server, ServerAddress, ServerOptions } from '../index.ts'
import { MemoryTransport } from '../transport/memory-transport.ts'
import { createAuthority } from './certificates.ts'
import type { PeerOptions } from './peer.ts'
import { within } from './wait-for.ts'

/** Every transport that the tests of a session run over. vitest.config.ts makes a project of each. */
export const TRANSPORTS = ['tcp', 'tls', 'unix', 'memory'] as const

type TransportName = (typeof TRANSPORTS)[number]

/** The one that these tests run over. */
export const transport = nameOf(process.env['TEST_TRANSPORT'])

/** Whether a peer can reset a connection: on a Unix socket there is no such thing. */
export const canReset = transport !== 'unix'

/** The peer's end of a connection, and how to reset it. */
export interface PeerSide {
  readonly stream: Duplex
  reset(): void
}

/** What a way to connect takes. */
interface TestTransport {
  /** Options that a server needs for it. */
  readonly options: ServerOptions
  listen(server: Server<never>): Promise<ServerAddress>
  connect(address: ServerAddress, options: PeerOptions): Promise<PeerSide>
}

const memory = new Map<string, MemoryTransport>()

const MAKERS: Readonly<Record<TransportName, () => Promise<TestTransport>>> = {
  async tcp() {
    return { options: {}, listen: (server) => server.listen({ port: 0 }), connect: connectPlain }
  },

  async unix() {
    return {
      options: {},
      listen(server) {
        const folder = mkdtempSync(join(tmpdir(), 'server-'))
        onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
        return server.listen({ path: join(folder, 'socket') })
      },
      connect: connectPlain,
    }
  },

  async tls() {
    const authority = await createAuthority('transports')
    const { cert, key } = await authority.sign('server')
    return {
      options: { tls: { cert, key } },
      listen: (server) => server.listen({ port: 0 }),
      async connect(address, options) {
        const { stream: plain, reset } = await connectPlain(address, options)
        // It stays half open if the plain socket does.
        const stream = connectTls({ socket: plain as Socket, ca: authority.cert })
        await within(once(stream, 'secureConnect'), 'for TLS')
        return { stream, reset }
      },
    }
  },

  async memory() {
    return {
      options: {},
      async listen(server) {
        const transport = new MemoryTransport()
        const address = await server.listen(transport)
        if ('path' in address) memory.set(address.path, transport)
        return address
      },
      async connect(address, options) {
        const peers = 'path' in address ? memory.get(address.path) : undefined
        if (peers === undefined) throw new Error('not in memory')
        const stream = peers.connect({ allowHalfOpen: options.holdsOn ?? false })
        return { stream, reset: () => stream.resetAndDestroy() }
      },
    }
  },
}

export const underTest = await MAKERS[transport]()

async function connectPlain(address: ServerAddress, options: PeerOptions): Promise<PeerSide> {
  const { holdsOn = false, localAddress } = options
  const from = localAddress === undefined ? {} : { localAddress }
  const where = 'path' in address ? { path: address.path } : { host: address.address, port: address.port, ...from }
  const socket = connectSocket({ ...where, allowHalfOpen: holdsOn, noDelay: true })
  await within(once(socket, 'connect'), 'for a peer to connect')
  return { stream: socket, reset: () => socket.resetAndDestroy() }
}

function nameOf(given = 'tcp'): TransportName {
  const name = TRANSPORTS.find((one) => one === given)
  if (name === undefined) throw new Error(`unknown transport '${given}': expected ${TRANSPORTS.join(', ')}`)
  return name
}
