import { readFile } from 'node:fs/promises'
import { isSystemError, OptionError } from '@demo/cli'

/**
 * Reads a file that a flag names.
 *
 * @throws OptionError that names the flag and the file, if it can't be read
 */
export async function readInput(flag: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if (!isSystemError(error)) throw error
    const why = error.code === 'EISDIR' ? 'it is a folder; expected a file' : error.message
    throw new OptionError(`can't read ${flag} '${file}': ${why}`)
  }
}
