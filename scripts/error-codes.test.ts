import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { PACKAGES } from './testing/workspace.ts'

const packages = fileURLToPath(new URL('../packages/', import.meta.url))
const CODE = /\bERR_[A-Z_]+\b/g

const codesOf = (text: string) => new Set(text.match(CODE) ?? [])

/** The sources of a package without its tests, those in C included. */
function sources(name: string): string {
  const folder = `${packages}${name}/`
  const files = ['src', 'native'].flatMap((part) =>
    existsSync(folder + part)
      ? readdirSync(folder + part, { encoding: 'utf8', recursive: true }).map((file) => `${folder}${part}/${file}`)
      : [],
  )
  const own = files.filter((file) => /\.(ts|c)$/.test(file) && !file.endsWith('.test.ts'))
  return own.map((file) => readFileSync(file, 'utf8')).join('\n')
}

test.each(PACKAGES)('each error code of @demo/%s is in its README, and each one there exists', (name) => {
  const literals = sources(name).match(/['"]ERR_[A-Z_]+['"]/g) ?? []
  const thrown = new Set(literals.map((literal) => literal.slice(1, -1)))
  const documented = codesOf(readFileSync(`${packages}${name}/README.md`, 'utf8'))
  // A package may throw the errors of another package, which documents them.
  const others = { server: ['frame', 'packet'], 'client-sim': ['frame', 'packet'] }[name as string] ?? []
  const foreign = codesOf(others.map(sources).join('\n'))
  // The client makes its own error of the engine's.
  if (name === 'client-sim') foreign.add('ERR_ENGINE_UNAVAILABLE')
  expect([...documented].sort()).toEqual([...thrown].filter((code) => !foreign.has(code)).sort())
})
