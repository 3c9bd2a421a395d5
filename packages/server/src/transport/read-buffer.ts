import type { Socket } from 'node:net'

/** The most bytes of one read: what Node uses by default. */
const READ_LENGTH = 64 * 1024

/**
 * Called with the bytes of a read. `lent`: they are in a buffer that the next read of any socket overwrites.
 */
export type ChunkListener = (chunk: Uint8Array, lent: boolean) => void

/** The part of a socket's handle that reads into a given buffer. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void
}

/** The private properties of a socket that reads into a given buffer. */
type Internals = Socket & { _handle?: Handle | null } & Record<symbol, unknown>

/**
 * The buffer that sockets are read into: one for all sessions of a server.
 *
 * By default Node makes a new buffer for each read. At ten thousand reads a second that is half a gigabyte of garbage, for
 * which V8 collects its whole heap over and over: it costs as much as everything else that a server does. Client sockets
 * have the option `onread`. Accepted sockets have the same, without a public name. If that internal API is missing, Node
 * allocates one buffer per read, and behaviour is unchanged.
 */
export class ReadBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(READ_LENGTH)
  readonly #lend: boolean
  #lent = this.#bytes

  /** @param lend whether the bytes are passed on in the buffer itself; otherwise as a copy, which does not change */
  constructor(lend: boolean) {
    this.#lend = lend
  }

  /** Reads a socket into this buffer from now on. Bytes that Node has read before come first. */
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
   * Waits for a socket's first bytes, and leaves them unread.
   *
   * @returns false if the socket ended without any
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

  /** Reuses the view if the length is the same: single requests cost no new view. */
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

/** The symbols are the same for all sockets. */
let names: readonly (symbol | undefined)[] = []

function internalNames(socket: Socket): readonly (symbol | undefined)[] {
  if (names.length === 0) {
    const symbols = Object.getOwnPropertySymbols(socket)
    names = ['kBuffer', 'kBufferCb'].map((name) => symbols.find(({ description }) => description === name))
  }
  return names
}
