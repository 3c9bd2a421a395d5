import type { Socket } from 'node:net'

/** As much as one read brings at most, in bytes: what Node asks the system for without it. */
const READ_LENGTH = 64 * 1024

/**
 * Called with what a read brought. `lent`: it lies in a buffer that the next read, of whatever socket, writes over.
 */
export type ChunkListener = (chunk: Uint8Array, lent: boolean) => void

/** The part of a socket's handle that reads into a buffer of ours. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void
}

/** What Node keeps at a socket that reads into a given buffer, under names of its own. */
type Internals = Socket & { _handle?: Handle | null } & Record<symbol, unknown>

/**
 * Where sockets are read to: one buffer for all sessions of a server.
 *
 * Left to itself, Node makes a new buffer for each read. At some ten thousand reads a second that is half a gigabyte of
 * garbage, for which V8 collects all of its memory, over and over; it costs as much as everything else that a server
 * does. For a socket that one connects there is the option `onread`; for one that was accepted Node has the same, under
 * no public name. Where it has not, each read is a new buffer again, and all else is as it was.
 */
export class ReadBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(READ_LENGTH)
  readonly #lend: boolean
  #lent = this.#bytes

  /** @param lend whether what was read is handed out where it lies; otherwise as a copy, which stays as it is */
  constructor(lend: boolean) {
    this.#lend = lend
  }

  /** Reads a socket into it from now on. What Node itself has read before comes first. */
  attach(socket: Socket, onChunk: ChunkListener): void {
    socket.on('data', (chunk: Buffer) => onChunk(chunk, false))
    const internals = socket as Internals
    const [kBuffer, kBufferCb] = internalNames(socket)
    if (kBuffer === undefined || kBufferCb === undefined || internals._handle?.useUserBuffer === undefined) return
    internals[kBuffer] = this.#bytes
    internals[kBufferCb] = (length: number) => onChunk(this.#filled(length), this.#lend)
    internals._handle.useUserBuffer(this.#bytes)
  }

  /**
   * Waits for a socket's first bytes, and leaves them and all that follows unread.
   *
   * @returns whether any came; false: it ended without
   */
  peek(socket: Socket): Promise<boolean> {
    return new Promise((resolve) => {
      this.attach(socket, (chunk) => {
        socket.removeAllListeners('data')
        socket.pause()
        socket.unshift(Buffer.from(chunk))
        resolve(true)
      })
      socket.once('end', () => resolve(false))
      socket.resume()
    })
  }

  /** The same view again where the length is the same: a peer whose requests come alone costs no new one. */
  #filled(length: number): Uint8Array {
    if (!this.#lend) {
      const copy = Buffer.allocUnsafe(length)
      this.#bytes.copy(copy, 0, 0, length)
      return copy
    }
    if (this.#lent.length !== length) this.#lent = this.#bytes.subarray(0, length)
    return this.#lent
  }
}

/** They are the same for all sockets. */
let names: readonly (symbol | undefined)[] = []

function internalNames(socket: Socket): readonly (symbol | undefined)[] {
  if (names.length === 0) {
    const symbols = Object.getOwnPropertySymbols(socket)
    names = ['kBuffer', 'kBufferCb'].map((name) => symbols.find(({ description }) => description === name))
  }
  return names
}
