import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder for one test, removed at its end. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'demo-server-'))

  constructor() {
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }))
  }

  /** The path of a file in it, which may not exist. */
  at(name: string): string {
    return join(this.path, name)
  }

  /** Writes a file, and returns its path. */
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
