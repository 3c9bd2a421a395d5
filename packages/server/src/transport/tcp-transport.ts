import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { pauseAccepting, resumeAccepting } from './accepting.ts'
import type { Accept, Handshake, ServerAddress, Transport } from './connection.ts'
import { HandshakeError } from './handshake-error.ts'
import { checkListenOptions, type ListenOptions } from './listen-options.ts'
import { Listener } from './listener.ts'
import { NodeConnection } from './node-connection.ts'
import type { ReadBuffer } from './read-buffer.ts'
import type { Tls } from './tls.ts'
import { readProxyHeader, type TrustedProxies } from './trusted-proxies.ts'

/** How many connections the system queues for accept. */
const BACKLOG = 4096

/** Idle time before TCP keep-alive probes start, in milliseconds. */
const KEEP_ALIVE_DELAY = 60_000

/** A failed accept is reported as a warning at most this often, in milliseconds. */
const WARNING_INTERVAL = 1000

/** What a TCP transport needs from its server. */
export interface TcpTransportOptions {
  /** With this many unsent bytes a write returns false. */
  readonly highWaterMark: number
  readonly readBuffer: ReadBuffer
  readonly proxies: TrustedProxies | undefined
  readonly tls: Tls | undefined
  /** Resolves when there is time for one TLS handshake, which takes about a millisecond and cannot be split. */
  readonly handshakeTurn: () => Promise<void>
}

/** Node's TCP and Unix sockets, optionally behind proxies and with TLS. */
export class TcpTransport implements Transport {
  readonly #where: ReturnType<typeof checkListenOptions>
  readonly #options: TcpTransportOptions
  readonly #net: Listener
  #accept: Accept | undefined
  #paused = false
  #warnedAt = Number.NEGATIVE_INFINITY

  /** @throws ListenError when the options are invalid */
  constructor(where: ListenOptions, options: TcpTransportOptions) {
    this.#where = checkListenOptions(where)
    this.#options = options
    this.#net = new Listener(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_DELAY,
        highWaterMark: options.highWaterMark,
      },
      (socket) => this.#accepted(socket),
    )
    this.#net.on('error', (error) => this.#failed(error))
  }

  get address(): ServerAddress | undefined {
    return this.#net.listening ? serverAddress(this.#net.address()) : undefined
  }

  async listen(accept: Accept, signal: AbortSignal): Promise<ServerAddress> {
    this.#accept = accept
    this.#net.listen({ ...this.#where, backlog: BACKLOG })
    await once(this.#net, 'listening', { signal })
    return serverAddress(this.#net.address())
  }

  pauseAccepting(): boolean {
    this.#paused ||= pauseAccepting(this.#net)
    return this.#paused
  }

  resumeAccepting(): void {
    if (this.#paused) resumeAccepting(this.#net, BACKLOG)
    this.#paused = false
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#net.close(() => resolve()))
  }

  #accepted(socket: Socket): void {
    const { proxies, tls, readBuffer } = this.#options
    const connection = new NodeConnection(socket, readBuffer)
    const proxied = proxies?.includes(socket.remoteAddress) === true
    const handshake = proxied || tls !== undefined ? this.#handshake(connection, socket, proxied) : undefined
    this.#accept?.(connection, handshake)
  }

  /** Reads the proxy's header, then does the TLS handshake. */
  #handshake(connection: NodeConnection, socket: Socket, proxied: boolean): Handshake {
    return async (admit) => {
      if (proxied) connection.proxiedFor(await readProxyHeader(socket))
      if (!admit()) return false
      const { tls, readBuffer, handshakeTurn } = this.#options
      if (tls === undefined) return true
      // A peer that connects and closes without a byte is a health check.
      if (!(await readBuffer.peek(socket))) throw new HandshakeError('the peer ended the connection', 'peer-closed')
      await handshakeTurn()
      if (!socket.destroyed) connection.replaceSocket(await tls.secure(socket))
      return true
    }
  }

  /** Warns of a failed accept. The listener still accepts. An error before it listens rejects listen() instead. */
  #failed(error: Error): void {
    const now = performance.now()
    if (!this.#net.listening || now - this.#warnedAt < WARNING_INTERVAL) return
    this.#warnedAt = now
    process.emitWarning(error)
  }
}

function serverAddress(address: AddressInfo | string | null): ServerAddress {
  if (address === null) return { path: '' }
  return typeof address === 'string' ? { path: address } : { address: address.address, port: address.port }
}
