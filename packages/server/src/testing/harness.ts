import type { Peer, PeerOptions } from '@demo/testkit/peer'
import { waitFor } from '@demo/testkit/wait-for'
import { onTestFinished } from 'vitest'
import {
  type CloseReason,
  type CommonServerOptions,
  createFrameServer,
  createServer,
  type FrameServerHandlers,
  type FrameServerOptions,
  type Handlers,
  type MessageSession,
  type Server,
  type ServerAddress,
  type ServerOptions,
  type Session,
  type SessionHandlers,
} from '../index.ts'
import { connectPeer } from './peer.ts'
import { onServerSide, type ServerSide } from './server-side.ts'
import { underTest } from './transports.ts'

/** One call of `onClose`. */
export interface Closing<Data = unknown> {
  readonly session: Session<Data>
  readonly reason: CloseReason
  readonly error: Error | undefined
}

/** A server that listens on the transport under test, and what it reports. It is closed at the end of its test. */
export interface Running<Data = unknown, S extends Session<Data> = Session<Data>> {
  readonly server: Server<Data, S>
  readonly address: ServerAddress
  /** The calls of `onClose`, in order. */
  readonly closings: Closing<Data>[]
  /** The errors that `onError` got, in order. */
  readonly errors: unknown[]
  /** The sessions that were opened, in order. */
  readonly opened: S[]
  /** The server's ends of its connections, in the order in which they were accepted. */
  readonly serverSides: ServerSide[]
  connect(options?: PeerOptions): Promise<Peer>
  /** Connects, and waits until the server has accepted. @returns also the server's end and its session */
  open(options?: PeerOptions): Promise<Connected<S>>
  /** Waits until so many connections have been closed. @returns the calls of `onClose` */
  untilClosed(count: number): Promise<Closing<Data>[]>
}

/** Both ends of one connection. */
export interface Connected<S = Session> {
  readonly peer: Peer
  readonly session: S
  readonly serverSide: ServerSide
}

/** Starts a server. Without an `onSubmit` it answers 0. */
export function startServer<Data = unknown>(
  handlers: Partial<Handlers<Data>> = {},
  options: ServerOptions = {},
): Promise<Running<Data>> {
  return start<Data, Session<Data>, Handlers<Data>, ServerOptions>(
    { onSubmit: () => 0, ...handlers },
    options,
    createServer,
  )
}

/** Starts a server with a protocol of the test. */
export function startFrameServer<Message, Reply, Data = unknown>(
  handlers: FrameServerHandlers<Message, Reply, Data>,
  options: FrameServerOptions = {},
): Promise<Running<Data, MessageSession<Data, Reply>>> {
  return start(handlers, options, createFrameServer<Message, Reply, Data>)
}

async function start<Data, S extends Session<Data>, H extends SessionHandlers<S>, Options extends CommonServerOptions>(
  handlers: H,
  options: Options,
  create: (handlers: H, options: Options) => Server<Data, S>,
): Promise<Running<Data, S>> {
  const closings: Closing<Data>[] = []
  const errors: unknown[] = []
  const opened: S[] = []
  const server = create(
    {
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
  const address = await underTest.listen(server, options)
  const serverSides = watchServerSides(server.sessions)
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

  async function open(peerOptions?: PeerOptions): Promise<Connected<S>> {
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
function watchServerSides(sessions: ReadonlySet<unknown>): ServerSide[] {
  const sides: ServerSide[] = []
  const stop = onServerSide((side) => {
    // The server has the session in its list only after it has made it.
    queueMicrotask(() => {
      if (sessions.has(side.events)) sides.push(side)
    })
  })
  onTestFinished(stop)
  return sides
}

/** Handlers that settle when the test says so: the requests wait here, in order. */
export class Gate {
  readonly waiting: Array<{
    readonly id: string
    settle(value: 0 | 1 | undefined): void
    fail(error: unknown): void
  }> = []
  #most = 0

  /** How many have waited at the same time, at most. */
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

  /** Settles all that wait now, by default in the order in which they arrived. */
  release(value: 0 | 1 | undefined = 0, order: 'forwards' | 'backwards' = 'forwards'): void {
    const waiting = this.waiting.splice(0)
    if (order === 'backwards') waiting.reverse()
    for (const { settle } of waiting) settle(value)
  }
}
