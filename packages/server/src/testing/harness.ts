import { onTestFinished } from 'vitest'
import {
  type CloseReason,
  createServer,
  type Handlers,
  type Server,
  type ServerAddress,
  type ServerOptions,
  type Session,
} from '../index.ts'
import { connectPeer, type Peer, type PeerOptions } from './peer.ts'
import { onServerSide, type ServerSide } from './server-side.ts'
import { underTest } from './transports.ts'
import { waitFor } from './wait-for.ts'

/** One call of `onClose`. */
export interface Closing<Data = unknown> {
  readonly session: Session<Data>
  readonly reason: CloseReason
  readonly error: Error | undefined
}

/** A server that listens, on the transport under test, and what can be known of it. It is gone when its test is. */
export interface Running<Data = unknown> {
  readonly server: Server<Data>
  readonly address: ServerAddress
  /** What `onClose` was told, in order. */
  readonly closings: Closing<Data>[]
  /** What `onError` was told, in order. */
  readonly errors: unknown[]
  /** The sessions that were opened, in order. */
  readonly opened: Session<Data>[]
  /** The server's ends of its connections, in the order in which they were accepted. */
  readonly serverSides: ServerSide[]
  connect(options?: PeerOptions): Promise<Peer>
  /** Connects, and waits until the server has accepted: its session, and its end of the connection, come along. */
  open(options?: PeerOptions): Promise<Connected<Data>>
  /** Waits until so many connections have been closed, and gives what `onClose` was told. */
  untilClosed(count: number): Promise<Closing<Data>[]>
}

/** Both ends of one connection. */
export interface Connected<Data = unknown> {
  readonly peer: Peer
  readonly session: Session<Data>
  readonly serverSide: ServerSide
}

/** Starts a server. Its handlers answer 0 unless given. */
export async function startServer<Data = unknown>(
  handlers: Partial<Handlers<Data>> = {},
  options: ServerOptions = {},
): Promise<Running<Data>> {
  const closings: Closing<Data>[] = []
  const errors: unknown[] = []
  const opened: Session<Data>[] = []
  const server = createServer<Data>(
    {
      onSubmit: () => 0,
      ...handlers,
      onOpen(session) {
        opened.push(session)
        return handlers.onOpen?.(session)
      },
      onClose(session, reason, error) {
        closings.push({ session, reason, error })
        return handlers.onClose?.(session, reason, error)
      },
      onError(error, session) {
        errors.push(error)
        return handlers.onError?.(error, session)
      },
    },
    { ...underTest.options, ...options },
  )
  const address = await underTest.listen(server as Server<never>, options)
  const serverSides = watchServerSides(server as Server<never>)
  const peers: Peer[] = []

  onTestFinished(async () => {
    for (const peer of peers) peer.socket.destroy()
    await server.close({ timeout: 1 })
  })

  async function connect(peerOptions?: PeerOptions): Promise<Peer> {
    const peer = await connectPeer(address, peerOptions)
    peers.push(peer)
    return peer
  }

  async function open(peerOptions?: PeerOptions): Promise<Connected<Data>> {
    const index = serverSides.length
    const peer = await connect(peerOptions)
    const accepted = () => opened.find((session) => (session as unknown) === serverSides[index]?.events)
    await waitFor(
      () => accepted() !== undefined,
      () => 'for the server to accept',
    )
    const session = accepted()
    const serverSide = serverSides[index]
    if (session === undefined || serverSide === undefined) throw new Error('nothing was accepted')
    return { peer, session, serverSide }
  }

  async function untilClosed(count: number): Promise<Closing<Data>[]> {
    await waitFor(
      () => closings.length >= count,
      () => `for ${count} connections to be closed; there are ${closings.map(({ reason }) => reason).join(', ')}`,
    )
    return closings
  }

  return { server, address, closings, errors, opened, serverSides, connect, open, untilClosed }
}

/** The ends of the connections that this server accepts. */
function watchServerSides(server: Server<never>): ServerSide[] {
  const sides: ServerSide[] = []
  const stop = onServerSide((side) => {
    // The session is one of its server's once it is made.
    queueMicrotask(() => {
      const sessions: ReadonlySet<unknown> = server.sessions
      if (sessions.has(side.events)) sides.push(side)
    })
  })
  onTestFinished(stop)
  return sides
}

/** Handlers that settle when they are told to: what `onSubmit` returns is waiting here, in order. */
export class Gate {
  readonly waiting: Array<{
    readonly id: string
    settle(value: 0 | 1 | undefined): void
    fail(error: unknown): void
  }> = []
  #most = 0

  /** The most that ever waited at the same time. */
  get most(): number {
    return this.#most
  }

  /** For `onSubmit` or `onConn`. */
  readonly wait = (request: { readonly id: string }): Promise<0 | 1 | undefined> => {
    const { id } = request
    return new Promise((resolve, reject) => {
      this.waiting.push({ id, settle: resolve, fail: reject })
      this.#most = Math.max(this.#most, this.waiting.length)
    })
  }

  /** Waits until so many handlers wait. */
  async holds(count: number): Promise<void> {
    await waitFor(
      () => this.waiting.length >= count,
      () => `for ${count} handlers to be waiting; there are ${this.waiting.length}`,
    )
  }

  /** Lets all go that wait now, in the order they came unless told otherwise. */
  release(value: 0 | 1 | undefined = 0, order: 'forwards' | 'backwards' = 'forwards'): void {
    const waiting = this.waiting.splice(0)
    if (order === 'backwards') waiting.reverse()
    for (const { settle } of waiting) settle(value)
  }
}
