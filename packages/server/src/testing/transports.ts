import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { describe, onTestFinished, test } from 'vitest'
import type { Server, ServerAddress, ServerOptions } from '../index.ts'
import { highWaterMark } from '../io/outbound.ts'
import { MemoryTransport } from '../transport/memory-transport.ts'
import { createAuthority } from './certificates.ts'
import type { PeerOptions } from './peer.ts'
import { within } from './wait-for.ts'

/** Every transport that the tests of a session run over. vitest.config.ts makes a project of each. */
const TRANSPORTS = ['tcp', 'tls', 'unix', 'memory', 'native', 'native-unix'] as const

type TransportName = (typeof TRANSPORTS)[number]

/** The one that these tests run over. */
const transport = nameOf(process.env['TEST_TRANSPORT'])

/** The most bytes that may be unsent with a `maxWriteBuffer`: TLS asks its caller to wait from 16 KiB on, not before. */
export function mostUnsentFor(maxWriteBuffer: number): number {
  return transport === 'tls' ? Math.max(maxWriteBuffer, 32 * 1024) : maxWriteBuffer
}

/** In how many copies unsent bytes are kept: TLS keeps them encrypted as well, and in memory there is no system to keep them. */
export const copiesOfUnsent = transport === 'tls' || transport === 'memory' ? 2 : 1

/** Whether the transport gathers what comes while it is not read; TLS delivers each record by itself. */
export const gathers = transport !== 'tls'

const onUnixSocket = transport === 'unix' || transport === 'native-unix'

/** A test whose peer resets its connection; there is none on a Unix socket, which knows no reset. */
export const testWithReset: typeof test = onUnixSocket ? (noTest as unknown as typeof test) : test
export const describeWithReset: typeof describe =
  onUnixSocket ? (noTest as unknown as typeof describe) : describe

/** The peer's end of a connection, and how to reset it. */
export interface PeerSide {
  readonly stream: Duplex
  reset(): void
}

/** What a way to connect takes. */
interface TestTransport {
  /** Options that a server needs for it. */
  readonly options: ServerOptions
  listen(server: Pick<Server, 'listen'>, options?: ServerOptions): Promise<ServerAddress>
  connect(address: ServerAddress, options: PeerOptions): Promise<PeerSide>
}

const memory = new Map<string, MemoryTransport>()

const MAKERS: Readonly<Record<TransportName, () => Promise<TestTransport>>> = {
  async tcp() {
    return { options: { engine: 'node' }, listen: (server) => server.listen({ port: 0 }), connect: connectPlain }
  },

  async unix() {
    return { options: { engine: 'node' }, listen: listenOnPath, connect: connectPlain }
  },

  async native() {
    return { options: { engine: 'native' }, listen: (server) => server.listen({ port: 0 }), connect: connectPlain }
  },

  async 'native-unix'() {
    return { options: { engine: 'native' }, listen: listenOnPath, connect: connectPlain }
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

function listenOnPath(server: Pick<Server, 'listen'>): Promise<ServerAddress> {
  const folder = mkdtempSync(join(tmpdir(), 'server-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return server.listen({ path: join(folder, 'socket') })
}

function noTest(): void {}

async function connectPlain(address: ServerAddress, options: PeerOptions): Promise<PeerSide> {
  const { holdsOn = false, localAddress } = options
  const from = localAddress === undefined ? {} : { localAddress }
  const where = 'path' in address ? { path: address.path } : { host: address.address, port: address.port, ...from }
  const socket = connectSocket({ ...where, allowHalfOpen: holdsOn, noDelay: true })
  await within(once(socket, 'connect'), 'for a peer to connect')
  // A Unix socket knows no reset: the nearest thing is to be gone.
  return { stream: socket, reset: () => ('path' in address ? socket.destroy() : socket.resetAndDestroy()) }
}

function nameOf(given = 'tcp'): TransportName {
  const name = TRANSPORTS.find((one) => one === given)
  if (name === undefined) throw new Error(`unknown transport '${given}': expected ${TRANSPORTS.join(', ')}`)
  return name
}
