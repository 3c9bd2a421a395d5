import { lookup } from 'node:dns/promises'
import { lstatSync, type Stats, unlinkSync } from 'node:fs'
import type { Engine, EngineConnection, EngineListener } from '@demo/engine'
import type { Accept, Handshake, ServerAddress, Transport } from './connection.ts'
import { checkListenOptions, type ListenOptions } from './listen-options.ts'
import { type HeaderSource, readProxyHeader, type TrustedProxies } from './trusted-proxies.ts'

/** Connections that the system keeps ready for us to accept. */
const BACKLOG = 4096

/** A failed accept is reported as a warning at most this often, in milliseconds. */
const WARNING_INTERVAL = 1000

/** What a native transport needs of its server. */
export interface NativeTransportOptions {
  /** From this many unsent bytes on a write asks its caller to wait. */
  readonly highWaterMark: number
  /** Whether what was read stays as it is. */
  readonly keep: boolean
  readonly proxies: TrustedProxies | undefined
}

/** TCP and Unix sockets of the native engine, behind proxies where asked for. */
export class NativeTransport implements Transport {
  readonly #engine: Engine
  readonly #where: ReturnType<typeof checkListenOptions>
  readonly #options: NativeTransportOptions
  #listener: EngineListener | undefined
  #accept: Accept | undefined
  /** The file of the Unix socket. */
  #file: Stats | undefined
  #warnedAt = Number.NEGATIVE_INFINITY

  /** @throws ListenError when it can't listen there */
  constructor(engine: Engine, where: ListenOptions, options: NativeTransportOptions) {
    this.#engine = engine
    this.#where = checkListenOptions(where)
    this.#options = options
  }

  get address(): ServerAddress | undefined {
    return this.#listener?.address
  }

  async listen(accept: Accept, signal: AbortSignal): Promise<ServerAddress> {
    const where = await resolved(this.#where)
    signal.throwIfAborted()
    this.#accept = accept
    const listener = this.#engine.listen({
      where,
      backlog: BACKLOG,
      highWaterMark: this.#options.highWaterMark,
      keep: this.#options.keep,
      onConnection: (connection) => this.#accepted(connection),
      onError: (error) => this.#failed(error),
    })
    this.#listener = listener
    this.#file = fileOf(listener)
    return listener.address
  }

  pauseAccepting(): boolean {
    if (this.#listener === undefined || !('fd' in this.#where)) return false
    this.#listener.pause()
    return true
  }

  resumeAccepting(): void {
    this.#listener?.resume()
  }

  async close(): Promise<void> {
    const listener = this.#listener
    if (listener === undefined) return
    this.#listener = undefined
    const file = fileOf(listener)
    listener.close()
    // Another server may have taken the name in the meantime: then the file is its.
    if (file === undefined || file.ino !== this.#file?.ino || file.dev !== this.#file.dev) return
    if ('path' in listener.address) unlinkSync(listener.address.path)
  }

  #accepted(connection: EngineConnection): void {
    const proxied = this.#options.proxies?.includes(connection.remoteAddress) === true
    this.#accept?.(connection, proxied ? handshakeOf(connection) : undefined)
  }

  #failed(error: Error): void {
    const now = performance.now()
    if (now - this.#warnedAt < WARNING_INTERVAL) return
    this.#warnedAt = now
    process.emitWarning(error)
  }
}

/** A host name becomes the first of its addresses, as in Node. */
async function resolved(
  where: ReturnType<typeof checkListenOptions>,
): Promise<{ path: string } | { address: string; port: number } | { fd: number }> {
  if (!('host' in where)) return where
  const { address } = await lookup(where.host)
  return { address, port: where.port }
}

/** What lies where a Unix socket listens; undefined where it has no file. */
function fileOf({ address }: EngineListener): Stats | undefined {
  if (!('path' in address) || address.path === '' || address.path.startsWith('\0')) return undefined
  try {
    return lstatSync(address.path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** A proxy says for whom it connects. */
function handshakeOf(connection: EngineConnection): Handshake {
  return async (admit) => {
    const peer = await readProxyHeader(headerSource(connection))
    if (peer !== undefined) {
      connection.remoteAddress = peer.address
      connection.remotePort = peer.port
    }
    return admit()
  }
}

/** The beginning of a connection, as where a header is read from: until it is, the session hears only of its end. */
function headerSource(connection: EngineConnection): HeaderSource {
  const { events } = connection
  return {
    start(onBytes, onEnd) {
      if (events === undefined) return
      connection.attach({
        onBytes,
        onEnd,
        onWritable: () => events.onWritable(),
        onError: (error) => events.onError(error),
        onClose: () => events.onClose(),
      })
      connection.resume()
    },
    stop() {
      connection.pause()
      if (events !== undefined) connection.attach(events)
    },
    unread: (bytes) => connection.unread(bytes),
  }
}
