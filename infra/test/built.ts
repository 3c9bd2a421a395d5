import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './repository.ts'

/** A program of the workspace, once it is built. */
export function built(app: string): string {
  const main = join(root, 'apps', app, 'dist/main.js')
  if (!existsSync(main)) throw new Error(`${main} is not there: build the programs first`)
  return main
}

/** What the real program says to a configuration file, and to flags that beat what is in it. */
export function checkConfig(file: string, flags: readonly string[]): { status: number | null; output: string } {
  const args = [built('server'), '--config', file, '--check-config', ...flags]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/** What an accepted configuration is answered with. */
export const ACCEPTED = { status: 0, output: 'the configuration is fine\n' }
