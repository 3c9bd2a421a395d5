import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ExitError, ExitStatus, isSystemError } from '@demo/cli'

/**
 * Writes a file so that at every moment, whatever happens, the old one or the new one is there, and whole: the text is
 * written beside it and on the disk before it takes its name. What is no regular file, like a pipe, is written to.
 *
 * @throws ExitError with one line that names the file
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  try {
    const old = await statOf(file)
    if (old !== undefined && !old.isFile()) return await writeFile(file, text)
    const target = await targetOf(file)
    const folder = dirname(target)
    const beside = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      await writeDurably(beside, text, old?.mode)
      await rename(beside, target)
    } catch (error) {
      await rm(beside, { force: true })
      throw error
    }
    await syncFolder(folder)
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw new ExitError(ExitStatus.failed, `can't write ${file}: ${reasonOf(error)}`)
  }
}

/** Where a file is, or will be: a symbolic link stays one, and what it leads to is written. */
export async function targetOf(file: string): Promise<string> {
  const folder = await realpath(dirname(file))
  const link = await readlink(file).catch(whereNoLink)
  return link === undefined ? join(folder, basename(file)) : targetOf(resolve(folder, link))
}

/** Undefined when there is no such file. */
export async function statOf(file: string): Promise<Stats | undefined> {
  return stat(file).catch((error: unknown) => {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined
    throw error
  })
}

async function writeDurably(file: string, text: string, mode: number | undefined): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    if (mode !== undefined) await handle.chmod(mode & 0o7777)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The new name is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems can't do that with a folder.
    if (!isSystemError(error) || !['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM'].includes(error.code ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** What the system says, without its name for what was tried: the temporary file is none of the user's. */
function reasonOf({ message }: Error): string {
  return message.replace(/, \w+( '.*')?$/s, '')
}

function whereNoLink(error: unknown): undefined {
  if (isSystemError(error) && (error.code === 'ENOENT' || error.code === 'EINVAL')) return undefined
  throw error
}
