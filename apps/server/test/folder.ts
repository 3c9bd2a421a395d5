import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'

/** A temporary folder, and files in it. */
export class Folder {
  readonly path = temporaryFolder()

  /** The path of a file in it, which need not exist. */
  at(name: string): string {
    return join(this.path, name)
  }

  /** Writes a file, or replaces it. @returns its path */
  write(name: string, text: string | Uint8Array): string {
    writeFileSync(this.at(name), text)
    return this.at(name)
  }

  has(name: string): boolean {
    return existsSync(this.at(name))
  }

  remove(name: string): void {
    rmSync(this.at(name))
  }
}
