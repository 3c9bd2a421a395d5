import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SOURCES = fileURLToPath(new URL('../attacks/', import.meta.url))
const BUILT = fileURLToPath(new URL('../../../../node_modules/.cache/hostile/', import.meta.url))

/** Why nothing can be compiled here, if so. */
export const noCompiler = spawnSync('cc', ['--version']).status === 0 ? undefined : 'it needs a C compiler, cc'

/** Builds an attack in C, for what Node can't ask of the system; the path of the program. */
export function compile(name: string): string {
  mkdirSync(BUILT, { recursive: true })
  const program = `${BUILT}${name}`
  execFileSync('cc', ['-O2', '-o', program, `${SOURCES}${name}.c`], { stdio: 'inherit' })
  return program
}
