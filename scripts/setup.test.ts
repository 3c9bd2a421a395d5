import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'setup-'))
afterAll(() => rmSync(place, { recursive: true }))

test('a Node that is too old is told in one line', () => {
  mkdirSync(join(place, 'scripts'))
  cpSync(join(root, 'scripts/setup.mjs'), join(place, 'scripts/setup.mjs'))
  const manifest = readFileSync(join(root, 'package.json'), 'utf8')
  writeFileSync(join(place, 'package.json'), manifest.replace('>=20.19', '>=99.1'))
  const { status, stderr } = spawnSync(process.execPath, [join(place, 'scripts/setup.mjs')], { encoding: 'utf8' })
  expect(stderr).toBe(`Node ${process.versions.node} is too old: Node 99.1 or later is needed\n`)
  expect(status).toBe(1)
})

test('what is installed already is not installed again', () => {
  const script = join(root, 'scripts/setup.mjs')
  spawnSync(process.execPath, [script])
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
