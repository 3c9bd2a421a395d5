import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './repository.ts'

/** The path of a built program of the workspace. */
export function built(app: string): string {
  const main = join(root, 'apps', app, 'dist/main.js')
  if (!existsSync(main)) throw new Error(`missing ${main}: build the programs first`)
  return main
}

/** The answer of the real program to a configuration file, and to flags that override it. */
export function checkConfig(file: string, flags: readonly string[]): { status: number | null; output: string } {
  const args = [built('server'), '--config', file, '--check-config', ...flags]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/** The answer to a valid configuration. */
export const ACCEPTED = { status: 0, output: 'the configuration is fine\n' }
