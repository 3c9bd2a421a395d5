import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type RunResult, run } from './testing/run.ts'
import { readJson, root, temporaryFolder } from './testing/workspace.ts'

/**
 * A clone with an `npx` and a `turbo` that only record their arguments. The tests check when setup.mjs calls them.
 */
class Clone {
  readonly folder = temporaryFolder()
  readonly #notes = join(this.folder, 'notes')

  constructor({ engine = '>=20.19', npxStatus = 0 } = {}) {
    onTestFinished(() => rmSync(this.folder, { recursive: true }))
    mkdirSync(join(this.folder, 'scripts'))
    copyFileSync(join(root, 'scripts/setup.mjs'), join(this.folder, 'scripts/setup.mjs'))
    const manifest = readJson<{ engines: { node: string } }>('package.json')
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ ...manifest, engines: { node: engine } }))
    this.write('pnpm-lock.yaml', 'lockfileVersion: 9\n')
    this.fakeNpx(npxStatus)
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text)
  }

  /** An npx that installs a turbo, and ends with this status. */
  fakeNpx(status: number): void {
    const turbo = join(this.folder, 'node_modules/.bin/turbo')
    this.#program(
      join(this.folder, 'bin/npx'),
      `echo "npx $*" >> "${this.#notes}"
      echo "said by npx"
      mkdir -p "${join(turbo, '..')}"
      printf '#!/bin/sh\\necho "turbo $*" >> "${this.#notes}"\\n' > "${turbo}"
      chmod +x "${turbo}"
      exit ${status}`,
    )
  }

  async setUp(...tasks: string[]): Promise<RunResult & { readonly asked: string[] }> {
    rmSync(this.#notes, { force: true })
    const result = await run(process.execPath, [join(this.folder, 'scripts/setup.mjs'), ...tasks], {
      folder: root,
      environment: { PATH: [join(this.folder, 'bin'), process.env['PATH']].join(delimiter) },
    })
    const asked = existsSync(this.#notes) ? readFileSync(this.#notes, 'utf8').trim().split('\n') : []
    return { ...result, asked }
  }

  #program(file: string, script: string): void {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }
}

const { packageManager } = readJson<{ packageManager: string }>('package.json')
const INSTALL = `npx --yes ${packageManager} install --frozen-lockfile --reporter=append-only`

describe.skipIf(process.platform === 'win32')('setup.mjs', () => {
  it('reports an old Node in one line, and does nothing', async () => {
    const clone = new Clone({ engine: '>=99.1' })
    const { status, stdout, stderr, asked } = await clone.setUp('build')
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toBe(`Node ${process.versions.node} is too old: Node 99.1 or later is needed\n`)
    expect(asked).toEqual([])
  })

  it('checks the minor version too', async () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    expect((await new Clone({ engine: `>=${major}.${minor + 1}` }).setUp()).status).toBe(1)
    expect((await new Clone({ engine: `>=${major}.${minor}` }).setUp()).status).toBe(0)
    expect((await new Clone({ engine: `>=${major - 1}.99` }).setUp()).status).toBe(0)
  })

  it('installs the dependencies of the lock file with the pinned pnpm, then runs the tasks', async () => {
    const clone = new Clone()
    const { status, stdout, stderr, asked } = await clone.setUp('build', 'check')
    expect(status).toBe(0)
    expect(stdout).toBe('')
    expect(stderr, 'the output of the install is not shown').not.toContain('said by npx')
    expect(asked).toEqual([INSTALL, 'turbo run build check --output-logs=errors-only'])
  })

  it('does nothing and prints nothing the second time', async () => {
    const clone = new Clone()
    await clone.setUp()
    expect(await clone.setUp()).toEqual({ status: 0, stdout: '', stderr: '', asked: [] })
  })

  it('installs again when the lock file has changed', async () => {
    const clone = new Clone()
    await clone.setUp()
    clone.write('pnpm-lock.yaml', 'lockfileVersion: 9\n# changed\n')
    expect((await clone.setUp()).asked).toEqual([INSTALL])
    expect((await clone.setUp()).asked).toEqual([])
  })

  it('shows the output of a failed install, ends with its status, and tries again the next time', async () => {
    const clone = new Clone({ npxStatus: 7 })
    const { status, stderr, asked } = await clone.setUp('build')
    expect(status).toBe(7)
    expect(stderr).toContain('said by npx')
    expect(stderr).toContain('npx --yes')
    expect(asked).toEqual([INSTALL])
    clone.fakeNpx(0)
    expect((await clone.setUp()).asked).toEqual([INSTALL])
  })
})
