import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isSystemError, usageError } from '@demo/cli'
import { statOf, targetOf } from './replace-file.ts'

/** A file to write, and the flag that names it. */
interface Destination {
  readonly flag: string
  readonly file: string
}

/**
 * Checks that the files can be written and are different, without creating them.
 *
 * @throws ExitError with one line
 */
export async function checkFiles(all: readonly Destination[]): Promise<void> {
  const checked = new Map<string, Destination>()
  for (const one of all) {
    const identity = await identify(one.file)
    if (identity === undefined) continue
    const other = checked.get(identity)
    if (other !== undefined) {
      const names = other.file === one.file ? one.file : `${other.file} and ${one.file}`
      throw usageError(`${other.flag} and ${one.flag} are the same file: ${names}`)
    }
    checked.set(identity, one)
  }
}

/**
 * @returns the same for two names of one file; undefined if it is not a regular file, like /dev/null
 * @throws ExitError if it can't be written
 */
async function identify(file: string): Promise<string | undefined> {
  try {
    const stats = await statOf(file)
    if (stats?.isDirectory()) throw usageError(`can't write ${file}: it is a folder`)
    if (stats !== undefined) await access(file, constants.W_OK)
    if (stats !== undefined && !stats.isFile()) return undefined
    const target = await targetOf(file)
    // The file is written under another name and renamed, so its folder must be writable.
    await access(dirname(target), constants.W_OK)
    return stats === undefined ? target : `${stats.dev}:${stats.ino}`
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw usageError(`can't write ${file}: ${error.message}`)
  }
}
