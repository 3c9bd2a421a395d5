import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@demo/testkit/ports'
import { Program } from '@demo/testkit/program'
import { submit, submitAck } from '@demo/testkit/wire'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listening, startDemoServer } from '../../apps/server/test/demo-server.ts'
import { readCompose } from './compose.ts'
import { type Instruction, readStages } from './containerfile.ts'
import { isInstalled, skipReason } from './programs.ts'
import { infra, readJson, readText, root } from './repository.ts'

const stages = readStages()
const image = stages.at(-1) ?? []
const all = stages.flat()

test('a linter finds no error', () => {
  expect(validate(readText(infra('Containerfile'))).map(({ message }) => message)).toEqual([])
})

test('the image is built from exact versions', () => {
  expect(stages).toHaveLength(2)
  for (const { text } of of('FROM', all)) expect(text).toMatch(/^node:\d+\.\d+\.\d+-bookworm-slim( AS \w+)?$/)
  const { packageManager } = readJson<{ packageManager: string }>(`${root}/package.json`)
  const used = of('RUN', all).flatMap(({ text }) => text.match(/pnpm@[\d.]+/g) ?? [])
  expect(new Set(used)).toEqual(new Set([packageManager]))
})

test('all files that the image copies by name exist', () => {
  const names = of('COPY', stages[0] ?? []).flatMap(({ text }) => text.split(' ').slice(0, -1))
  expect(names).toContain('pnpm-lock.yaml')
  for (const name of names) expect(existsSync(join(root, name)), name).toBe(true)
})

test('the server runs as a numeric user other than root, and gets the signal itself', () => {
  expect(of('USER', image).map(({ text }) => text)).toEqual(['1000:1000'])
  expect(of('STOPSIGNAL', image).map(({ text }) => text)).toEqual(['SIGTERM'])
  expect(of('ENTRYPOINT', image).map(({ command }) => command)).toEqual([['node', 'dist/main.js']])
})

describe('the health check', () => {
  const [check] = of('HEALTHCHECK', image)
  const [node = '', ...args] = check?.command ?? []

  test('is the same in the compose file', () => {
    expect(readCompose().services['server']?.healthcheck?.test).toEqual(['CMD', ...(check?.command ?? [])])
  })

  test('passes for a running server, also on another port', async () => {
    const { metricsPort } = await startDemoServer()
    expect(node).toBe('node')
    expect(askHealth(metricsPort)).toBe(0)
  })

  test('fails without an answer', async () => {
    expect(askHealth(await freePort())).toBe(1)
  })

  function askHealth(port: number): number | null {
    const env = { ...process.env, DEMO_SERVER_METRICS_PORT: `${port}` }
    return spawnSync(process.execPath, args, { env }).status
  }
})

/** Runs a command like in a container without rights: a read-only root, and no capability. */
const READ_ONLY = `
  mount --make-rprivate / &&
  for place in /tmp "$PWD"; do mount --bind "$place" "$place" && mount -o remount,ro,bind "$place" || exit 98; done &&
  mount -o remount,ro,bind / && cd "$PWD" || exit 98
  for place in / /tmp .; do touch "$place/probe" 2>/dev/null && exit 99; done
  exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
`

const canMount = spawnSync('unshare', ['--mount', 'mount', '--make-rprivate', '/']).status === 0
const reason = canMount ? skipReason(['setpriv']) : ' (skipped: no right to mount)'

describe.skipIf(!canMount || !isInstalled('setpriv'))(`what the image holds${reason}`, () => {
  let directory: string

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'image-'))
    const step =
      of('RUN', all)
        .find(({ text }) => text.includes(' deploy '))
        ?.text.split(' ') ?? []
    const args = step.slice(step.findIndex((word) => word.startsWith('pnpm@')) + 1)
    expect(args.at(-1), 'the place that the second stage copies').toBe('/out')
    const pnpm = join(root, 'node_modules/.bin/pnpm')
    execFileSync(pnpm, ['--offline', ...args.slice(0, -1), join(directory, 'app')], { cwd: root, stdio: 'pipe' })
  }, 60_000)

  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test.each([['1'], ['2']])('serves without a right, with nothing to write to: %s worker(s)', async (workers) => {
    const [, ...entry] = of('ENTRYPOINT', image)[0]?.command ?? []
    const flags = ['--port', '0', '--metrics-port', '0', '--workers', workers]
    const program = new Program(
      'unshare',
      ['--mount', 'sh', '-c', READ_ONLY, 'sh', process.execPath, ...entry, ...flags],
      { folder: join(directory, 'app'), environment: environmentOf(image) },
    )
    const server = await listening(program)
    expect(server.logged('listening')[0]).toMatchObject({ address: '0.0.0.0', metricsAddress: '0.0.0.0' })
    const peer = await server.connect()
    peer.send(submit(1))
    peer.end()
    expect(await peer.receiveAll()).toBe(submitAck(1))
    program.signal('SIGTERM')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
  })
})

function of(keyword: string, instructions: readonly Instruction[]): Instruction[] {
  return instructions.filter((instruction) => instruction.keyword === keyword)
}

function environmentOf(instructions: readonly Instruction[]): Record<string, string> {
  const pairs = of('ENV', instructions).flatMap(({ text }) => text.split(' ').map((pair) => pair.split('=')))
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]))
}
