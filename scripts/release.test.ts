import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'release-'))
afterAll(() => rmSync(copy, { recursive: true }))

const versionsIn = (folder: string) =>
  Object.fromEntries(
    readdirSync(join(folder, 'packages')).map((name) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'packages', name, 'package.json'), 'utf8')) as {
        version: string
      }
      return [name, manifest.version]
    }),
  )

test('a package is released by itself: a patch of one leaves the others as they are', () => {
  for (const path of ['package.json', 'pnpm-workspace.yaml', '.changeset/config.json', 'packages', 'apps', 'infra']) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    cpSync(join(root, path), join(copy, path), {
      recursive: true,
      filter: (source) => !/node_modules|dist|\.turbo/.test(source),
    })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], { cwd: copy })
  git('init', '--quiet', '--initial-branch=main')
  git('add', 'packages')
  git('commit', '--quiet', '--message=all of it')

  // 0.0.0 is the version before the first: a caret takes no other. From 1.0.0 on it takes what is compatible.
  for (const name of readdirSync(join(copy, 'packages'))) {
    const file = join(copy, 'packages', name, 'package.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": "[^"]+"/, '"version": "1.0.0"'))
  }
  writeFileSync(join(copy, '.changeset/mended.md'), "---\n'@demo/frame': patch\n---\n\nMended.\n")
  execFileSync(join(root, 'node_modules/.bin/changeset'), ['version'], { cwd: copy })

  expect(versionsIn(copy)).toMatchObject({ frame: '1.0.1', packet: '1.0.0', metrics: '1.0.0' })
  expect(readFileSync(join(copy, 'packages/frame/CHANGELOG.md'), 'utf8')).toContain('Mended.')
})
