import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'

/** Where Debian's package `faketime` puts its library: a folder for each architecture. */
const LIBRARIES = '/usr/lib'
const NAME = 'faketime/libfaketimeMT.so.1'

const library = findLibrary()

/** Why the wall clock of a process can't be set here, if so. */
export const noFakeTime = library === undefined ? 'it needs libfaketime' : undefined

/**
 * The wall clock of one process, to be set while it runs: libfaketime stands between it and the system. The monotonic
 * clock is left alone, as the system leaves it alone when somebody sets the time.
 */
export class WallClock {
  readonly #file: string

  constructor() {
    this.#file = join(temporaryFolder(), 'offset')
    this.set(0)
  }

  /** What the process is to be started with. */
  get environment(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // How often it looks whether the clock was set, in seconds.
      FAKETIME_CACHE_DURATION: '1',
    }
  }

  /** How far it is ahead of the true time, in seconds. */
  set(offset: number): void {
    writeFileSync(this.#file, `${offset < 0 ? '' : '+'}${offset}\n`)
  }
}

function findLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined
  return readdirSync(LIBRARIES)
    .map((folder) => join(LIBRARIES, folder, NAME))
    .find((file) => existsSync(file))
}
