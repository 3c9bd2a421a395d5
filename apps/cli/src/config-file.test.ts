import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  addConfigFile,
  addFlags,
  Command,
  flag,
  listFlag,
  optionalFlag,
  parseCommandLine,
  parseCount,
  parseDuration,
  parsePort,
  parseText,
  printConfig,
  switchFlag,
} from './index.ts'

const FLAGS = {
  port: flag('--port <port>', 'where', parsePort, '8888'),
  idleTimeout: flag('--idle-timeout <time>', 'how long', parseDuration, '5m'),
  maxConnections: flag('--max-connections <n>', 'how many', parseCount, '10000'),
  path: optionalFlag('--path <path>', 'where', parseText),
  quiet: switchFlag('--quiet', 'say nothing'),
  proxies: listFlag('--proxies <address…>', 'who', parseText),
}

const STANDARD = { port: 8888, idleTimeout: 300_000, maxConnections: 10_000, quiet: false }

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
  file = join(folder, 'demo.yaml')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  vi.unstubAllEnvs()
})

async function read(yaml: string, ...args: string[]): Promise<{ values: unknown; printed: string }> {
  writeFileSync(file, yaml)
  const command = addFlags(
    new Command('demo').action(() => {}),
    'DEMO',
    FLAGS,
  )
  await parseCommandLine(command, ['node', 'demo', ...args])
  addConfigFile(command, file, FLAGS)
  return { values: command.opts(), printed: printConfig(command, file, FLAGS) }
}

describe('a configuration file', () => {
  test('sets what it names, and leaves the rest', async () => {
    const { values } = await read('port: 9000\nidle-timeout: 10s # short\n')
    expect(values).toEqual({ ...STANDARD, port: 9000, idleTimeout: 10_000 })
  })

  test('may write a number as text, a switch as a boolean, a list either way', async () => {
    const { values } = await read('port: "9000"\nquiet: true\nproxies: [10.0.0.0/8, unix]\n')
    expect(values).toEqual({ ...STANDARD, port: 9000, quiet: true, proxies: ['10.0.0.0/8', 'unix'] })
    expect((await read('proxies: 10.0.0.0/8, unix')).values).toMatchObject({ proxies: ['10.0.0.0/8', 'unix'] })
  })

  test('gives way to flags and variables', async () => {
    vi.stubEnv('DEMO_MAX_CONNECTIONS', '5')
    const { values } = await read('port: 1\nmax-connections: 1\nidle-timeout: 1s\n', '--port', '2')
    expect(values).toEqual({ ...STANDARD, port: 2, maxConnections: 5, idleTimeout: 1000 })
  })

  test.each(['', '# nothing but a comment\n', '{}'])('may be empty: %j', async (yaml) => {
    expect((await read(yaml)).values).toEqual(STANDARD)
  })

  test.each<[string, string, RegExp]>([
    ['an unknown key', 'port: 1\nprot: 2\n', /demo\.yaml:2: there is no key prot; the keys are port, idle-timeout/],
    [
      'a wrong unit',
      '\nidle-timeout: 300\n',
      /demo\.yaml:2: invalid idle-timeout '300': expected a time like 500ms, 10s or 5m/,
    ],
    ['a wrong type', 'port: {}\n', /demo\.yaml:1: invalid port: expected one value, got a mapping/],
    ['a list of what is one', 'port: [1]\n', /demo\.yaml:1: invalid port: expected one value, got a list/],
    ['nothing for a key', 'port:\n', /demo\.yaml:1: invalid port: expected one value, got nothing/],
    [
      'something wrong in a list',
      'proxies: [1, {}]\n',
      /demo\.yaml:1: invalid proxies: expected one value, got a mapping/,
    ],
    ['no mapping', '- port\n', /demo\.yaml: expected keys and values, like "port: 8888"/],
    ['no YAML', 'port: 1\n  - [\n', /demo\.yaml:\d: ./],
    ['the same key twice', 'port: 1\nport: 2\n', /demo\.yaml:2: Map keys must be unique/],
  ])('with %s is one line that says where', async (_what, yaml, message) => {
    const reading = read(yaml)
    await expect(reading).rejects.toMatchObject({ status: 2, message: expect.stringMatching(message) })
    await expect(reading).rejects.toMatchObject({ message: expect.not.stringContaining('\n') })
  })

  test('that is not there is one line', async () => {
    const command = addFlags(new Command('demo'), 'DEMO', FLAGS)
    expect(() => addConfigFile(command, join(folder, 'none.yaml'), FLAGS)).toThrow(
      /can't read the configuration: ENOENT/,
    )
  })
})

test('the configuration in effect is printed as a file that says the same, with where each value is from', async () => {
  vi.stubEnv('DEMO_MAX_CONNECTIONS', '5')
  const { values, printed } = await read('idle-timeout: 10s\nproxies:\n  - unix\n', '--port', '2', '--quiet')
  expect(printed.replaceAll(file, 'demo.yaml')).toBe(
    [
      'port: 2 # --port',
      'idle-timeout: 10s # demo.yaml',
      'max-connections: 5 # DEMO_MAX_CONNECTIONS',
      'quiet: true # --quiet',
      'proxies: [ unix ] # demo.yaml',
      '',
    ].join('\n'),
  )
  vi.unstubAllEnvs()
  expect((await read(printed)).values).toEqual(values)
})
