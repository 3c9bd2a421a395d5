import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  addFlags,
  Command,
  type Flags,
  listFlag,
  parseCommandLine,
  parsePort,
  switchFlag,
  type Values,
} from './index.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

async function valuesOf<All extends Flags>(flags: All, args: readonly string[]): Promise<Values<All>> {
  const program = addFlags(
    new Command('demo').action(() => {}),
    'DEMO',
    flags,
  )
  await parseCommandLine(program, ['node', 'demo', ...args])
  return program.opts<Values<All>>()
}

describe('a switch', () => {
  const switches = { quiet: switchFlag('--quiet', 'no output') }
  const quietOf = async (...args: string[]) => (await valuesOf(switches, args)).quiet

  test('is off by default, and on if it is given', async () => {
    expect(await quietOf()).toBe(false)
    expect(await quietOf('--quiet')).toBe(true)
  })

  test('takes true and false from the environment, and the command line beats it', async () => {
    vi.stubEnv('DEMO_QUIET', 'true')
    expect(await quietOf()).toBe(true)
    vi.stubEnv('DEMO_QUIET', 'false')
    expect(await quietOf()).toBe(false)
    expect(await quietOf('--quiet')).toBe(true)
  })

  test('takes no other value', async () => {
    vi.stubEnv('DEMO_QUIET', 'yes')
    await expect(quietOf()).rejects.toMatchObject({
      status: 2,
      message: "invalid DEMO_QUIET 'yes': expected true or false; see --help",
    })
  })
})

describe('a list', () => {
  const lists = { ports: listFlag('--ports <port…>', 'ports', parsePort) }
  const portsOf = async (...args: string[]) => (await valuesOf(lists, args)).ports

  test('can be left out, given several times, or with commas', async () => {
    expect(await portsOf()).toBeUndefined()
    expect(await portsOf('--ports', '1', '--ports', '2, 3')).toEqual([1, 2, 3])
  })

  test('from the environment is beaten by flags', async () => {
    vi.stubEnv('DEMO_PORTS', '7,8')
    expect(await portsOf()).toEqual([7, 8])
    expect(await portsOf('--ports', '1')).toEqual([1])
  })

  test('is invalid if one of its values is', async () => {
    await expect(portsOf('--ports', '1,x')).rejects.toMatchObject({
      status: 2,
      message: expect.stringContaining("invalid --ports '1,x': expected a port from 0"),
    })
  })
})
