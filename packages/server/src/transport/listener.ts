import { linkSync, lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs'
import { Server, type ServerOpts, type Socket } from 'node:net'

/**
 * A listening server that removes only its own file when it closes a Unix socket. libuv unlinks by name, even if another
 * server has replaced the file since, which would then be unreachable.
 */
export class Listener extends Server {
  #file: Stats | undefined

  constructor(options: ServerOpts, accept: (socket: Socket) => void) {
    super(options, accept)
    this.on('listening', () => {
      this.#file = this.#fileNow()
    })
  }

  override close(callback?: (error?: Error) => void): this {
    const path = this.#path
    const aside = path !== undefined && this.#isReplaced() ? moveAside(path) : undefined
    super.close(callback)
    // close() unlinks at once: the name is free for some microseconds.
    if (path !== undefined && aside !== undefined) putBack(aside, path)
    return this
  }

  get #path(): string | undefined {
    const address = this.address()
    // An abstract socket has no file.
    return typeof address === 'string' && !address.startsWith('\0') ? address : undefined
  }

  #fileNow(): Stats | undefined {
    const path = this.#path
    try {
      return path === undefined ? undefined : lstatSync(path, { throwIfNoEntry: false })
    } catch {
      return undefined
    }
  }

  #isReplaced(): boolean {
    const now = this.#fileNow()
    return now !== undefined && (now.ino !== this.#file?.ino || now.dev !== this.#file.dev)
  }
}

/** If a third server has taken the name since, it keeps it. */
function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path)
    unlinkSync(aside)
  } catch (error) {
    process.emitWarning(`the socket of another server is at ${aside}, and not at ${path}: ${(error as Error).message}`)
  }
}

/** @returns the new path; undefined if it is not permitted: then libuv cannot unlink it either */
function moveAside(path: string): string | undefined {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    return aside
  } catch {
    return undefined
  }
}
