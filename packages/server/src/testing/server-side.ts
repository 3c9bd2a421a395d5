import type { Connection, ConnectionEvents } from '../transport/connection.ts'
import { MemoryConnection } from '../transport/memory-transport.ts'
import { NodeConnection } from '../transport/node-connection.ts'

/** The server's end of one connection, as its session uses it. */
export class ServerSide {
  /** What the connection calls: its session. */
  readonly events: ConnectionEvents
  /** The length of each write, in bytes. */
  readonly writes: number[] = []
  /** Whether the session asked it to stop reading. */
  paused = false
  #mostUnsent = 0
  #connection: Connection
  /** The writes since {@link hold}; undefined when it is not held. */
  #held: Uint8Array[] | undefined

  constructor(connection: Connection, events: ConnectionEvents) {
    this.#connection = connection
    this.events = events
    const { pause, resume, write } = connection
    const unsent = unsentBytesOf(connection)
    connection.pause = () => {
      this.paused = true
      pause.call(connection)
    }
    connection.resume = () => {
      this.paused = false
      resume.call(connection)
    }
    connection.write = (bytes) => {
      this.writes.push(bytes.length)
      this.#held?.push(Buffer.from(bytes))
      const wantsMore = this.#held === undefined && write.call(connection, bytes)
      this.#mostUnsent = Math.max(this.#mostUnsent, connection.unsentBytes)
      return wantsMore
    }
    Object.defineProperty(connection, 'unsentBytes', { get: () => unsent() + this.#heldBytes })
    this.#release = () => {
      const held = this.#held ?? []
      this.#held = undefined
      const wantsMore = held.map((bytes) => write.call(connection, bytes)).at(-1) ?? true
      if (wantsMore) setImmediate(() => events.onWritable())
    }
  }

  readonly #release: () => void

  /** How many bytes were unsent in it, at most. */
  get mostUnsent(): number {
    return this.#mostUnsent
  }

  /** Bytes that the transport has read ahead of the session. */
  get bufferedBytes(): number {
    return this.#connection.bufferedBytes
  }

  get unsentBytes(): number {
    return this.#connection.unsentBytes
  }

  /** Keeps what is written from now on, and asks the writer to wait: as if the peer did not read. */
  hold(): void {
    this.#held = []
  }

  /** Sends what it has kept. */
  release(): void {
    this.#release()
  }

  get holds(): boolean {
    return this.#heldBytes > 0
  }

  get #heldBytes(): number {
    return (this.#held ?? []).reduce((sum, { length }) => sum + length, 0)
  }
}

/** `unsentBytes` as the connection itself has it. */
function unsentBytesOf(connection: Connection): () => number {
  const prototype = Object.getPrototypeOf(connection) as Connection
  const get = Object.getOwnPropertyDescriptor(prototype, 'unsentBytes')?.get
  if (get === undefined) throw new Error('unsentBytes is not a getter')
  return () => get.call(connection) as number
}

type Listener = (side: ServerSide) => void
const listeners = new Set<Listener>()

for (const { prototype } of [NodeConnection, MemoryConnection]) {
  const { attach } = prototype
  prototype.attach = function (events) {
    const side = new ServerSide(this, events)
    attach.call(this, events)
    for (const listener of listeners) listener(side)
  }
}

/** Calls the listener for each connection that a server accepts from now on. @returns how to remove it */
export function onServerSide(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
