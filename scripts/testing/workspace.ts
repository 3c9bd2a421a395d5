import { mkdtempSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The packages that are published, by the name of their folder. */
export const PACKAGES = ['frame', 'packet', 'engine', 'server', 'client-sim', 'metrics'] as const

/** A program in `node_modules/.bin`. */
export function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}

/** A file of JSON as `T`, unchecked: the tests check what they rely on. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as T
}

/** Makes a folder outside of the repository. The caller removes it. */
export function temporaryFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'workspace-test-')))
}
