import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from './testing/run.ts'
import { root, temporaryFolder } from './testing/workspace.ts'

/** The four binaries of a release, and compilers that Debian has for them. The first one of a pair that is here is used. */
const BINARIES = [
  { name: 'linux-x64/engine.glibc.node', target: 'linux-x64', libc: 'glibc', compilers: ['x86_64-linux-gnu-gcc'] },
  { name: 'linux-x64/engine.musl.node', target: 'linux-x64', libc: 'musl', compilers: ['musl-gcc'] },
  { name: 'linux-arm64/engine.glibc.node', target: 'linux-arm64', libc: 'glibc', compilers: ['aarch64-linux-gnu-gcc'] },
] as const

const runs = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
const hasReadelf = runs('readelf')
const folder = temporaryFolder()
afterAll(() => rmSync(folder, { recursive: true }))

/** A copy of the package, so that a build of the workspace is not touched. */
function copyOfEngine(name: string): string {
  const copy = join(folder, name)
  mkdirSync(copy)
  for (const part of ['native', 'scripts', 'package.json']) {
    cpSync(join(root, 'packages/engine', part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'packages/engine/node_modules'), join(copy, 'node_modules'))
  return copy
}

const build = (copy: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, [join(copy, 'scripts/build.mjs'), ...args], { folder: copy, environment, timeout: 60_000 })

const check = (prebuilds: string, name: string) =>
  run(process.execPath, [join(root, 'packages/engine/scripts/check-prebuilds.mjs'), '--folder', prebuilds, name], {
    folder,
  })

describe.each(BINARIES)('$name', ({ name, target, libc, compilers: [compiler] }) => {
  test.skipIf(!runs(compiler) || !hasReadelf)(
    'builds without a warning, and needs no newer system than Node 20',
    async () => {
      const copy = copyOfEngine(`${target}-${libc}`)
      const built = await build(copy, ['--target', target, '--libc', libc, '--cc', compiler])
      expect(built).toMatchObject({ status: 0, stderr: '' })
      expect(await check(join(copy, 'prebuilds'), name)).toMatchObject({ status: 0, stderr: '' })
    },
    100_000,
  )
})

test.skipIf(!runs('x86_64-linux-gnu-gcc'))(
  'the same compiler makes the same bytes in another folder',
  async () => {
    const [one, other] = ['here', 'in-another-folder'].map((name) => copyOfEngine(name)) as [string, string]
    const args = ['--target', 'linux-x64', '--libc', 'glibc', '--cc', 'x86_64-linux-gnu-gcc', '--out', 'engine.node']
    for (const copy of [one, other]) expect(await build(copy, args)).toMatchObject({ status: 0 })
    expect(readFileSync(join(one, 'engine.node')).equals(readFileSync(join(other, 'engine.node')))).toBe(true)
  },
  100_000,
)

describe('without a C compiler', () => {
  const copy = copyOfEngine('no-compiler')

  test('a build says in one line what that means, and succeeds', async () => {
    expect(await build(copy, [], { CC: 'no-such-compiler' })).toMatchObject({
      status: 0,
      stderr: '',
      stdout:
        "native engine: not built, there is no C compiler 'no-such-compiler' here. Everything runs on node:net.\n",
    })
    expect(existsSync(join(copy, 'prebuilds'))).toBe(false)
  })

  test('the same with one that does not compile, for example without headers', async () => {
    const { status, stdout } = await build(copy, [], { CC: 'false' })
    expect([status, stdout.split('\n').length]).toEqual([0, 2])
    expect(stdout).toContain("the C compiler 'false' can't build for linux-")
  })

  test('a binary that is asked for is an error', async () => {
    const { status, stderr } = await build(copy, ['--required'], { CC: 'no-such-compiler' })
    expect([status, stderr]).toEqual([1, "native engine: there is no C compiler 'no-such-compiler' here\n"])
  })
})

test('another system than Linux has no engine, and its build succeeds', async () => {
  const copy = copyOfEngine('no-linux')
  const fake = join(folder, 'darwin.cjs')
  writeFileSync(fake, "Object.defineProperty(process, 'platform', { value: 'darwin' })")
  const { status, stdout } = await build(copy, [], { NODE_OPTIONS: `--require ${fake}` })
  expect([status, stdout.split('\n').length]).toEqual([0, 2])
  expect(stdout).toMatch(/not built, there is no engine for darwin-\w+: expected linux-x64 or linux-arm64\. Everything/)
})

describe('the check of a release', () => {
  test.skipIf(!hasReadelf)('names what is missing, and what is no binary', async () => {
    const prebuilds = join(folder, 'wrong')
    mkdirSync(join(prebuilds, 'linux-x64'), { recursive: true })
    writeFileSync(join(prebuilds, 'linux-x64/engine.glibc.node'), 'not a binary')
    expect(await check(prebuilds, 'linux-x64/engine.glibc.node')).toMatchObject({
      status: 1,
      stderr: 'linux-x64/engine.glibc.node: is not a binary\n',
    })
    expect(await check(prebuilds, 'linux-arm64/engine.musl.node')).toMatchObject({
      status: 1,
      stderr: 'linux-arm64/engine.musl.node: is missing\n',
    })
  })

  test.skipIf(!runs('x86_64-linux-gnu-gcc') || !hasReadelf)(
    'refuses a binary with another C library, for another processor, and with a newer glibc',
    async () => {
      const copy = copyOfEngine('strange')
      const at = (name: string) => ['--out', join('prebuilds', name)]
      const args = ['--target', 'linux-x64', '--libc', 'glibc', '--cc', 'x86_64-linux-gnu-gcc']
      for (const name of ['linux-x64/engine.musl.node', 'linux-arm64/engine.glibc.node']) {
        expect(await build(copy, [...args, ...at(name)])).toMatchObject({ status: 0 })
      }
      const wrongLibc = await check(join(copy, 'prebuilds'), 'linux-x64/engine.musl.node')
      expect([wrongLibc.status, wrongLibc.stderr]).toEqual([1, expect.stringContaining('needs the library libc.so.6')])
      const wrongMachine = await check(join(copy, 'prebuilds'), 'linux-arm64/engine.glibc.node')
      expect([wrongMachine.status, wrongMachine.stderr]).toEqual([1, expect.stringContaining('expected AArch64')])
      // A function that glibc has only since 2.34.
      const cutter = join(copy, 'native/cutter.c')
      const newer =
        'extern int dladdr(const void *, void *);\nint probe(void) { return dladdr((void *)0, (void *)0); }\n'
      writeFileSync(cutter, `${readFileSync(cutter, 'utf8')}\n${newer}`)
      expect(await build(copy, [...args, ...at('linux-x64/engine.glibc.node')])).toMatchObject({ status: 0 })
      const tooNew = await check(join(copy, 'prebuilds'), 'linux-x64/engine.glibc.node')
      expect([tooNew.status, tooNew.stderr]).toEqual([1, expect.stringContaining('expected at most 2.28')])
    },
    100_000,
  )
})
