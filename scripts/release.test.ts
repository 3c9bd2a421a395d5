import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runWell } from './testing/run.ts'
import { bin, PACKAGES, root, temporaryFolder } from './testing/workspace.ts'

type Bump = 'patch' | 'minor' | 'major'

/** The text of a changeset. */
const NEWS = 'What users notice.'

/** A release of packages that all had the version `before`, with these changesets. */
class Release {
  readonly #folder = temporaryFolder()

  constructor(before: string, changes: Readonly<Record<string, Bump>>) {
    onTestFinished(() => rmSync(this.#folder, { recursive: true }))
    const folders = ['.', 'infra', 'examples', ...['packages', 'apps'].flatMap((part) => foldersIn(part))]
    const manifests = folders.map((folder) => join(folder, 'package.json'))
    for (const file of [...manifests, 'pnpm-workspace.yaml', '.changeset/config.json']) {
      mkdirSync(join(this.#folder, dirname(file)), { recursive: true })
      copyFileSync(join(root, file), join(this.#folder, file))
    }
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'))
    for (const name of PACKAGES) {
      const file = join(this.#folder, 'packages', name, 'package.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": "[^"]+"/, `"version": "${before}"`))
    }
    const lines = Object.entries(changes).map(([name, bump]) => `'@demo/${name}': ${bump}`)
    writeFileSync(join(this.#folder, '.changeset/change.md'), `---\n${lines.join('\n')}\n---\n\n${NEWS}\n`)
  }

  /** Applies the changesets. */
  async make(): Promise<this> {
    await runWell(bin('changeset'), ['version'], { folder: this.#folder })
    return this
  }

  get versions(): Record<string, string> {
    return Object.fromEntries(PACKAGES.map((name) => [name, this.#read(name).version]))
  }

  /** The changelog of a package; empty if it has none. */
  changelog(name: string): string {
    const file = join(this.#folder, 'packages', name, 'CHANGELOG.md')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  #read(name: string): { version: string } {
    return JSON.parse(readFileSync(join(this.#folder, 'packages', name, 'package.json'), 'utf8'))
  }
}

async function release(before: string, changes: Readonly<Record<string, Bump>>): Promise<Record<string, string>> {
  return (await new Release(before, changes).make()).versions
}

function foldersIn(part: string): string[] {
  return readdirSync(join(root, part)).map((name) => join(part, name))
}

describe('a release', () => {
  it('of a fix releases one package: the version ranges of its dependents include it', async () => {
    const released = await new Release('1.2.3', { frame: 'patch' }).make()
    expect(released.versions).toEqual({
      frame: '1.2.4',
      packet: '1.2.3',
      engine: '1.2.3',
      server: '1.2.3',
      'client-sim': '1.2.3',
      metrics: '1.2.3',
    })
    expect(released.changelog('frame')).toContain(NEWS)
    for (const name of ['packet', 'engine', 'server', 'client-sim', 'metrics'])
      expect(released.changelog(name)).toBe('')
  })

  it('of a feature releases one package too, from 1.0.0 on', async () => {
    expect(await release('1.2.3', { frame: 'minor' })).toEqual({
      frame: '1.3.0',
      packet: '1.2.3',
      engine: '1.2.3',
      server: '1.2.3',
      'client-sim': '1.2.3',
      metrics: '1.2.3',
    })
  })

  it('outside the version range of its dependents brings a patch release of those, and of no others', async () => {
    expect(await release('0.1.0', { frame: 'minor' })).toEqual({
      frame: '0.2.0',
      packet: '0.1.0',
      engine: '0.1.0',
      server: '0.1.1',
      'client-sim': '0.1.1',
      metrics: '0.1.0',
    })
  })

  it('of the engine outside the range of its dependents brings them too, though it is optional', async () => {
    expect(await release('0.1.0', { engine: 'minor' })).toMatchObject({
      engine: '0.2.0',
      server: '0.1.1',
      'client-sim': '0.1.1',
      metrics: '0.1.0',
    })
  })

  it('of a server feature is no major release of the metrics, which have it as a peer dependency', async () => {
    expect(await release('1.2.3', { server: 'minor' })).toMatchObject({ server: '1.3.0', metrics: '1.2.3' })
  })

  it('makes 0.1.0 of every package the first time', async () => {
    const all = Object.fromEntries(PACKAGES.map((name) => [name, 'minor' as const]))
    expect(await release('0.0.0', all)).toEqual(Object.fromEntries(PACKAGES.map((name) => [name, '0.1.0'])))
  })
})
