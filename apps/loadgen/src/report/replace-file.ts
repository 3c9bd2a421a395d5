import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { ExitError, ExitStatus, isSystemError } from '@demo/cli'

/**
 * Replaces a file atomically: at any time either the old or the new file is there, and complete. The text is written and
 * synced under a temporary name in the same folder, then renamed. What is not a regular file, like a pipe, is written to.
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

/** Follows symbolic links, also to a file that does not exist yet. */
export async function targetOf(file: string): Promise<string> {
  const folder = await realpath(dirname(file))
  const link = await readlink(file).catch(whereNoLink)
  return link === undefined ? join(folder, basename(file)) : targetOf(resolve(folder, link))
}

/** Undefined if there is no such file. */
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

/** The new name is durable once its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems can't sync a folder.
    if (!isSystemError(error) || !['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM'].includes(error.code ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** The system's message without the path: the user does not know the temporary file. */
function reasonOf({ errno, message }: NodeJS.ErrnoException): string {
  const [code, text] = getSystemErrorMap().get(errno ?? 0) ?? []
  return code === undefined ? message : `${code}: ${text}`
}

function whereNoLink(error: unknown): undefined {
  if (isSystemError(error) && (error.code === 'ENOENT' || error.code === 'EINVAL')) return undefined
  throw error
}
