import { linkSync, lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs'
import { Server, type ServerOpts, type Socket } from 'node:net'

/**
 * Listens. On a Unix socket it removes at its end the file that it made, and no other: libuv unlinks by the name alone,
 * also when another server has taken the name in the meantime, which nobody would reach any more.
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
    // Closing unlinks at once: the name was free for some microseconds.
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

/** A third server may have taken the name meanwhile: then it keeps it. */
function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path)
    unlinkSync(aside)
  } catch (error) {
    process.emitWarning(`the socket of another server is at ${aside}, and not at ${path}: ${(error as Error).message}`)
  }
}

/** @returns where it is now; undefined when we may not, and then libuv may not unlink it either */
function moveAside(path: string): string | undefined {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    return aside
  } catch {
    return undefined
  }
}
