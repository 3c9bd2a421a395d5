import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ExitError, ExitStatus, isSystemError } from '@demo/cli'
import { statOf, targetOf } from './replace-file.ts'

/** A file that is to be written, and the flag that names it. */
interface Wanted {
  readonly flag: string
  readonly file: string
}

/**
 * Looks whether there can be such files, each another one, and leaves no trace.
 *
 * @throws ExitError with one line
 */
export async function checkFiles(all: readonly Wanted[]): Promise<void> {
  const taken = new Map<string, Wanted>()
  for (const one of all) {
    const identity = await identify(one.file)
    if (identity === undefined) continue
    const other = taken.get(identity)
    if (other !== undefined) {
      const names = other.file === one.file ? one.file : `${other.file} and ${one.file}`
      throw refuse(`${other.flag} and ${one.flag} are the same file: ${names}`)
    }
    taken.set(identity, one)
  }
}

/**
 * @returns what is the same for two names of one file; undefined where that is no regular file, like /dev/null
 * @throws ExitError when it can't be written
 */
async function identify(file: string): Promise<string | undefined> {
  try {
    const there = await statOf(file)
    if (there?.isDirectory()) throw refuse(`can't write ${file}: it is a folder`)
    if (there !== undefined) await access(file, constants.W_OK)
    if (there !== undefined && !there.isFile()) return undefined
    const target = await targetOf(file)
    // It is written beside and renamed: so that takes a folder that can be written to.
    await access(dirname(target), constants.W_OK)
    return there === undefined ? target : `${there.dev}:${there.ino}`
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw refuse(`can't write ${file}: ${error.message}`)
  }
}

function refuse(message: string): ExitError {
  return new ExitError(ExitStatus.usage, message)
}
