import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A place with the project's rules and no other files. */
const place = mkdtempSync(join(tmpdir(), 'arrows-'))
cpSync(join(root, 'biome.json'), join(place, 'biome.json'))
afterAll(() => rmSync(place, { recursive: true }))

/** What the linter says of one import in one folder. */
function lint(folder: string, imported: string): string {
  const file = join(place, folder, 'src/example.ts')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `import { thing } from '${imported}'\n\nexport const it = thing\n`)
  const biome = join(root, 'node_modules/.bin/biome')
  const { stdout, stderr } = spawnSync(biome, ['lint', '--vcs-enabled=false', file], { cwd: place, encoding: 'utf8' })
  expect(stdout + stderr).toContain('Checked 1 file')
  return stdout + stderr
}

const FORBIDDEN: [folder: string, imported: string[]][] = [
  ['packages/frame', ['@demo/packet', '@demo/server', 'node:net', 'node:fs/promises']],
  ['packages/packet', ['@demo/frame', '@demo/server', 'node:buffer']],
  ['packages/server', ['@demo/client-sim', '@demo/metrics', '@demo/cli']],
  ['packages/client-sim', ['@demo/server', '@demo/metrics', '@demo/cli']],
  ['packages/metrics', ['@demo/frame', '@demo/packet', '@demo/client-sim', '@demo/cli']],
  ['apps/server', ['@demo/frame', '@demo/packet', '@demo/client-sim']],
  ['apps/loadgen', ['@demo/frame', '@demo/packet', '@demo/server', '@demo/metrics']],
  ['apps/cli', ['@demo/frame', '@demo/packet', '@demo/server', '@demo/client-sim', '@demo/metrics']],
]

const ALLOWED: [folder: string, imported: string[]][] = [
  ['packages/server', ['@demo/frame', '@demo/packet', 'node:net']],
  ['packages/client-sim', ['@demo/frame', '@demo/packet', 'node:net']],
  ['packages/metrics', ['@demo/server', 'prom-client']],
  ['apps/server', ['@demo/server', '@demo/metrics', '@demo/cli']],
  ['apps/loadgen', ['@demo/client-sim', '@demo/cli']],
]

const pairs = (table: [string, string[]][]) =>
  table.flatMap(([folder, all]) => all.map((imported) => [folder, imported]))

test.each(pairs(FORBIDDEN))('%s may not import %s', (folder, imported) => {
  expect(lint(folder, imported)).toMatch(/noRestrictedImports[\s\S]*docs\/architecture\.md/)
})

test.each(pairs(ALLOWED))('%s may import %s', (folder, imported) => {
  expect(lint(folder, imported)).not.toContain('noRestrictedImports')
})
