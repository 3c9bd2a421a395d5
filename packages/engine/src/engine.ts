import { markAsUntransferable } from 'node:worker_threads'
import type { EngineAddress } from './address.ts'
import { ANSWER_LENGTH, type Binding, EventField, EventKind, SlotField } from './binding.ts'
import { EngineConnection } from './connection.ts'
import { FrameBatch } from './frame-batch.ts'
import { systemError } from './system-error.ts'

/** How much is read in one turn at most, in bytes, from all connections together. */
const ARENA_LENGTH = 1024 * 1024

/** Where less is left than this, in bytes, a connection may not have room to be read. */
const ARENA_RESERVE = 128 * 1024

/** How many events, and how many frames, one turn has at most. */
const MOST_EVENTS = 8192
const MOST_FRAMES = 64 * 1024

/** How many connections one thread has at most. Untouched memory costs nothing. */
const MOST_CONNECTIONS = 256 * 1024

/** A place where connections are accepted. */
export interface EngineListener {
  readonly address: EngineAddress
  /** Leaves new connections to others that listen on the same descriptor. */
  pause(): void
  resume(): void
  /** Accepts no more, and closes the descriptor. */
  close(): void
}

/** How an engine accepts. */
export interface EngineListenOptions {
  /** An IP address and a port, 0 for any free one; the path of a Unix socket; or a socket that is bound already. */
  readonly where: EngineAddress | { readonly fd: number }
  /** Connections that the system keeps ready to be accepted. */
  readonly backlog: number
  /** From this many unsent bytes on a connection is not read, and a write asks its caller to wait. */
  readonly highWaterMark: number
  /** Whether what was read stays as it is; otherwise the next turn writes over it. */
  readonly keep: boolean
  readonly onConnection: (connection: EngineConnection) => void
  /** A connection could not be accepted. */
  readonly onError: (error: NodeJS.ErrnoException) => void
}

/** Where an engine connects to. */
export type EngineConnectOptions = (
  | { /** An IP address. */ readonly address: string; readonly port: number }
  | { readonly path: string }
) & { readonly highWaterMark: number; readonly keep: boolean }

/** All sockets of one thread, on one epoll. */
export class Engine {
  /** @internal */
  readonly binding: Binding
  readonly #events = new Int32Array(MOST_EVENTS * EventField.fields)
  readonly #slots = new Int32Array(MOST_CONNECTIONS * SlotField.fields)
  readonly #batch: FrameBatch
  readonly #connections: (EngineConnection | undefined)[] = []
  readonly #listeners: (EngineListenOptions | undefined)[] = []
  /** Those whose `onClose` is due. */
  #closed: EngineConnection[] = []
  #arena: Buffer
  #keep = false

  /** @internal */
  constructor(binding: Binding) {
    this.binding = binding
    const frames = new Int32Array(2 * MOST_FRAMES)
    const answers = new Uint8Array(MOST_FRAMES * ANSWER_LENGTH)
    binding.start(
      (from, to, used) => this.#turn(from, to, used),
      this.#events.buffer as ArrayBuffer,
      frames.buffer as ArrayBuffer,
      answers.buffer as ArrayBuffer,
      this.#slots.buffer as ArrayBuffer,
    )
    this.#arena = this.#newArena()
    this.#batch = new FrameBatch(this.#events, frames, answers, this.#arena)
  }

  /** @throws the system's error */
  listen(options: EngineListenOptions): EngineListener {
    const { binding } = this
    const descriptor = this.#listeningDescriptor(options)
    const listener = binding.listen(descriptor, 'fd' in options.where ? 1 : 0)
    if (listener < 0) {
      // One that was given may be in use already.
      if (!('fd' in options.where)) binding.closeDescriptor(descriptor)
      throw systemError(-listener, 'listen')
    }
    this.#listeners[listener] = options
    if (options.keep) this.#keepBytes()
    const [address, port] = binding.localAddress(descriptor)
    let closed = false
    return {
      address: port < 0 ? { path: address } : { address, port },
      pause: () => {
        if (!closed) binding.pauseListener(listener)
      },
      resume: () => {
        if (!closed) binding.resumeListener(listener)
      },
      close: () => {
        if (closed) return
        closed = true
        this.#listeners[listener] = undefined
        binding.unlisten(listener)
        binding.closeDescriptor(descriptor)
      },
    }
  }

  /**
   * Begins to connect. `onConnect` or `onError` follows.
   *
   * @throws the system's error
   */
  connect(options: EngineConnectOptions): EngineConnection {
    const slot =
      'path' in options ? this.binding.connect(options.path, -1) : this.binding.connect(options.address, options.port)
    const where = 'path' in options ? { path: options.path } : { address: options.address, port: options.port }
    if (slot < 0) throw systemError(-slot, 'connect', where)
    if (options.keep) this.#keepBytes()
    return this.#add(slot, options.highWaterMark, where)
  }

  /** @internal A connection has given its slot back. */
  released(slot: number, connection: EngineConnection): void {
    this.#connections[slot] = undefined
    if (this.#closed.push(connection) > 1) return
    setImmediate(() => {
      const closed = this.#closed
      this.#closed = []
      for (const { events } of closed) guarded(() => events?.onClose())
    })
  }

  #listeningDescriptor({ where, backlog }: EngineListenOptions): number {
    const { binding } = this
    if ('fd' in where) {
      const error = binding.adopt(where.fd, backlog)
      if (error < 0) throw systemError(-error, 'listen')
      return where.fd
    }
    const descriptor =
      'path' in where ? binding.open(where.path, -1, backlog) : binding.open(where.address, where.port, backlog)
    if (descriptor >= 0) return descriptor
    throw systemError(-descriptor, 'listen', where)
  }

  #add(slot: number, highWaterMark: number, connectsTo?: EngineAddress): EngineConnection {
    const connection = new EngineConnection(this, slot, this.#slots, highWaterMark, connectsTo)
    this.#connections[slot] = connection
    return connection
  }

  #turn(from: number, to: number, used: number): void {
    const end = to * EventField.fields
    for (let at = from * EventField.fields; at < end; at += EventField.fields) {
      try {
        this.#handle(at)
      } catch (error) {
        raise(error)
      }
    }
    if (this.#arena.length === 0 || (this.#keep && used + ARENA_RESERVE > ARENA_LENGTH)) this.#renewArena()
  }

  #handle(at: number): void {
    const events = this.#events
    const kind = events[at + EventField.kind] as number
    const slot = events[at + EventField.slot] as number
    if (kind === EventKind.accepted) {
      this.#accepted(slot, events[at + EventField.value] as number)
      return
    }
    if (kind === EventKind.acceptFailed) {
      const error = systemError(events[at + EventField.value] as number, 'accept')
      this.#listeners[events[at + EventField.start] as number]?.onError(error)
      return
    }
    // It may have been closed since the turn began.
    const connection = this.#connections[slot]
    if (connection === undefined) return
    if (kind === EventKind.frames || kind === EventKind.answers) {
      const batch = this.#batch
      batch.read(at, !this.#keep)
      connection.bytesRead += batch.freshLength
      if (kind === EventKind.frames) connection.events?.onFrames?.(batch)
      else connection.events?.onAnswers?.(batch)
    } else if (kind === EventKind.bytes) {
      const end = events[at + EventField.end] as number
      connection.bytesRead += end - (events[at + EventField.fresh] as number)
      connection.events?.onBytes(this.#arena.subarray(events[at + EventField.start], end), !this.#keep)
    } else if (kind === EventKind.ended) connection.peerEnded()
    else if (kind === EventKind.failed) connection.failed(events[at + EventField.value] as number)
    else if (kind === EventKind.full) connection.events?.onFull?.()
    else if (kind === EventKind.writable) connection.events?.onWritable()
    else if (kind === EventKind.finished) connection.finished()
    else if (kind === EventKind.connected) connection.connected()
  }

  #accepted(slot: number, listener: number): void {
    const options = this.#listeners[listener]
    if (options === undefined) this.binding.close(slot)
    else options.onConnection(this.#add(slot, options.highWaterMark))
  }

  #keepBytes(): void {
    if (this.#keep) return
    this.#keep = true
    this.binding.setKeep(true)
  }

  #renewArena(): void {
    this.#arena = this.#newArena()
    this.#batch.bytes = this.#arena
  }

  #newArena(): Buffer {
    const arena = Buffer.allocUnsafeSlow(ARENA_LENGTH)
    // Views of it are handed out: sent to another thread, they would take it along.
    markAsUntransferable(arena.buffer)
    this.binding.setArena(arena.buffer as ArrayBuffer)
    return arena
  }
}

/** What a listener lets out ends the process, as with a socket of Node, and the other connections of the turn go on. */
function raise(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}

function guarded(call: () => void): void {
  try {
    call()
  } catch (error) {
    raise(error)
  }
}
