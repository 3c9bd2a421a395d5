import { once } from 'node:events'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '@demo/testkit/certificates'
import { openPeerSide, type PeerOptions, type PeerSide } from '@demo/testkit/peer'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { within } from '@demo/testkit/wait-for'
import { describe, test } from 'vitest'
import type { Server, ServerAddress, ServerOptions } from '../index.ts'
import { highWaterMark } from '../io/outbound.ts'
import { MemoryTransport } from '../transport/memory-transport.ts'

/** The transports that the tests of a session run over. vitest.config.ts makes a project of each. */
const TRANSPORTS = ['tcp', 'tls', 'unix', 'memory'] as const

type TransportName = (typeof TRANSPORTS)[number]

/** The transport under test. */
const transport = nameOf(process.env['TEST_TRANSPORT'])

/** The most bytes that may be unsent with a `maxWriteBuffer`: TLS does not ask its caller to wait below 16 KiB. */
export function mostUnsentFor(maxWriteBuffer: number): number {
  return transport === 'tls' ? Math.max(maxWriteBuffer, 32 * 1024) : maxWriteBuffer
}

/** In how many copies unsent bytes are kept: TLS keeps them encrypted as well, and the memory transport has no system that keeps them. */
export const copiesOfUnsent = transport === 'tls' || transport === 'memory' ? 2 : 1

/** Whether the transport joins what arrives while it is not read. TLS delivers each record by itself. */
export const gathers = transport !== 'tls'

/** A test whose peer resets its connection. It is left out on a Unix socket, which has no reset. */
export const testWithReset: typeof test = transport === 'unix' ? (noTest as unknown as typeof test) : test
export const describeWithReset: typeof describe =
  transport === 'unix' ? (noTest as unknown as typeof describe) : describe

/** How tests listen and connect on one transport. */
interface TestTransport {
  /** Options that a server needs for it. */
  readonly options: ServerOptions
  listen(server: Pick<Server, 'listen'>, options?: ServerOptions): Promise<ServerAddress>
  connect(address: ServerAddress, options: PeerOptions): Promise<PeerSide>
}

const memory = new Map<string, MemoryTransport>()

const MAKERS: Readonly<Record<TransportName, () => Promise<TestTransport>>> = {
  async tcp() {
    return { options: {}, listen: (server) => server.listen({ port: 0 }), connect: openPeerSide }
  },

  async unix() {
    return {
      options: {},
      listen(server) {
        return server.listen({ path: join(temporaryFolder(), 'socket') })
      },
      connect: openPeerSide,
    }
  },

  async tls() {
    const authority = await createAuthority('transports')
    const { cert, key } = await authority.sign('server')
    return {
      options: { tls: { cert, key } },
      listen: (server) => server.listen({ port: 0 }),
      async connect(address, options) {
        const { stream: plain, reset } = await openPeerSide(address, options)
        // It stays half open if the plain socket does.
        const stream = connectTls({ socket: plain, ca: authority.cert })
        await within(once(stream, 'secureConnect'), 'for TLS')
        return { stream, reset }
      },
    }
  },

  async memory() {
    return {
      options: {},
      async listen(server, { maxWriteBuffer = 1024 * 1024 } = {}) {
        const transport = new MemoryTransport({ highWaterMark: highWaterMark(maxWriteBuffer) })
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

function noTest(): void {}

function nameOf(given = 'tcp'): TransportName {
  const name = TRANSPORTS.find((one) => one === given)
  if (name === undefined) throw new Error(`unknown transport '${given}': expected ${TRANSPORTS.join(', ')}`)
  return name
}
