import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { PACKAGES, readJson, root } from './testing/workspace.ts'

interface Step {
  readonly run?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly needs?: string
  readonly if?: string
  readonly env?: Readonly<Record<string, string>>
  readonly strategy?: { readonly matrix: unknown }
  readonly steps: readonly Step[]
}

const { jobs } = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')) as {
  jobs: Readonly<Record<string, Job>>
}

function job(name: string): Job {
  const found = jobs[name]
  if (found === undefined) throw new Error(`no job ${name}`)
  return found
}

/** The matrix of a job, unchecked: the tests check what they rely on. */
function matrixOf<T>(name: string): T {
  const { strategy } = job(name)
  if (strategy === undefined) throw new Error(`no matrix in ${name}`)
  return strategy.matrix as T
}

const commandsOf = (name: string) => job(name).steps.map(({ run = '' }) => run)

/** The place of a step that contains a text. */
function stepWith(name: string, text: string): number {
  const at = job(name).steps.findIndex((step) => JSON.stringify(step).includes(text))
  expect(at, `${text} in ${name}`).toBeGreaterThanOrEqual(0)
  return at
}

test('nothing is published before the packages were tried with all binaries', () => {
  expect([job('pack').needs, job('try').needs, job('release').needs]).toEqual(['binaries', 'pack', 'try'])
  expect(job('release').if).toBe("github.event_name == 'push'")
})

test('the binaries that are built are those that the check expects', () => {
  const { include } = matrixOf<{ include: { target: string; libc: string; runner: string }[] }>('binaries')
  const built = include.map(({ target, libc }) => `${target}/engine.${libc}.node`)
  // Without a file, the check names all it expects.
  const check = join(root, 'packages/engine/scripts/check-prebuilds.mjs')
  const { stderr } = spawnSync(process.execPath, [check, '--folder', '/nonexistent'], { encoding: 'utf8' })
  expect(stderr.trim().split('\n').sort()).toEqual(built.map((name) => `${name}: is missing`).sort())
  for (const { target, runner } of include) expect(runner.endsWith('-arm')).toBe(target === 'linux-arm64')
})

test('what is built and tried is what is packed and published', () => {
  for (const name of ['pack', 'release']) {
    // Otherwise a build would replace the binary of its own machine.
    expect(job(name).env).toEqual({ ENGINE_PREBUILT: '1' })
    expect(job(name).steps[stepWith(name, 'download-artifact')]?.with?.['path']).toBe('packages/engine/prebuilds')
  }
  expect(stepWith('pack', 'download-artifact')).toBeLessThan(stepWith('pack', 'setup.mjs build'))
  expect(stepWith('release', 'download-artifact')).toBeLessThan(stepWith('release', 'npm run release'))
  const packed = /for name in (.*); do/.exec(commandsOf('pack').join('\n'))?.[1]
  expect(packed?.split(' ').sort()).toEqual([...PACKAGES].sort())
})

test('the packages are tried on both processors, with both C libraries', () => {
  const { runner, image } = matrixOf<{ runner: string[]; image: string[] }>('try')
  expect(runner.map((name) => name.endsWith('-arm'))).toEqual([false, true])
  const { engines } = readJson<{ engines: { node: string } }>('packages/engine/package.json')
  const oldest = engines.node.replace('>=', '')
  for (const libc of ['alpine', 'bookworm-slim']) expect(image).toContain(`node:${oldest}-${libc}`)
})

test('each script that a job runs exists', () => {
  const { scripts } = readJson<{ scripts: Record<string, string> }>('package.json')
  const text = JSON.stringify(jobs)
  const files = [...text.matchAll(/\b((?:packages\/engine\/)?scripts\/[\w/-]+\.mjs)/g)].map(([, file = '']) => file)
  expect(files.length).toBeGreaterThan(4)
  for (const file of files) expect(existsSync(join(root, file)), file).toBe(true)
  for (const [, name = ''] of text.matchAll(/(?:npm run|npx pnpm) ([a-z-]+)/g)) {
    expect(['pack', ...Object.keys(scripts)]).toContain(name)
  }
  expect(scripts['release']).toMatch(/check-prebuilds\.mjs && changeset publish$/)
})
