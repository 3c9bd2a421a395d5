import { Command } from 'commander'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { addFlags, parseCommandLine } from './command.ts'
import { flag, switchFlag } from './flag.ts'
import { parseCount, parsePort } from './units.ts'

const FLAGS = {
  port: flag('--port <port>', 'where to listen', parsePort, '8888'),
  maxConnections: flag('--max-connections <n>', 'how many', parseCount, '10000'),
  quiet: switchFlag('--quiet', 'say nothing'),
}

/** The options of a program `demo-server`, read from the command line and the environment. */
async function optionsOf(...args: string[]) {
  const command = addFlags(
    new Command('demo-server').version('1.2.3').action(() => {}),
    'DEMO_SERVER',
    FLAGS,
  )
  await parseCommandLine(command, ['node', 'demo-server', ...args])
  return command.opts()
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('a variable that there is not', () => {
  test.each([
    ['DEMO_SERVER_MAX_CONECTIONS', '; did you mean DEMO_SERVER_MAX_CONNECTIONS?'],
    ['DEMO_SERVER_MAXCONNECTIONS', '; did you mean DEMO_SERVER_MAX_CONNECTIONS?'],
    ['DEMO_SERVER_QUITE', '; did you mean DEMO_SERVER_QUIET?'],
    ['DEMO_SERVER_port', ''],
    ['DEMO_SERVER_SOMETHING_ELSE', ''],
  ])('is refused in one line, with the nearest name: %s', async (name, hint) => {
    vi.stubEnv(name, 'secret')
    await expect(optionsOf()).rejects.toMatchObject({
      status: 2,
      message: `there is no variable ${name}${hint}; see --help`,
    })
  })

  test.each(['DEMO_SERVERS_PORT', 'DEMO_LOADGEN_MAX_CONECTIONS', 'DEMO_SERVER', 'MY_DEMO_SERVER_PORT'])(
    'is none of ours: %s',
    async (name) => {
      vi.stubEnv(name, '1')
      expect(await optionsOf()).toEqual({ port: 8888, maxConnections: 10_000, quiet: false })
    },
  )

  test('may be one of a switch that it leaves off', async () => {
    vi.stubEnv('DEMO_SERVER_QUIET', 'false')
    expect(await optionsOf()).toMatchObject({ quiet: false })
  })

  test.each(['--help', '--version'])('does not stand in the way of %s', async (asked) => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    vi.stubEnv('DEMO_SERVER_MAX_CONECTIONS', '1')
    await expect(optionsOf(asked)).rejects.toMatchObject({ status: 0 })
  })

  test('may be one of another subcommand', async () => {
    vi.stubEnv('DEMO_LOADGEN_MAX_CONNECTIONS', '1')
    const programs = new Command('demo-loadgen')
    addFlags(
      programs.command('run').action(() => {}),
      'DEMO_LOADGEN',
      FLAGS,
    )
    const { port } = FLAGS
    addFlags(
      programs.command('simulate').action(() => {}),
      'DEMO_LOADGEN',
      { port },
    )
    await expect(parseCommandLine(programs, ['node', 'demo-loadgen', 'simulate'])).resolves.toBeUndefined()
    vi.stubEnv('DEMO_LOADGEN_PROT', '1')
    await expect(parseCommandLine(programs, ['node', 'demo-loadgen', 'simulate'])).rejects.toMatchObject({
      message: expect.stringContaining('did you mean DEMO_LOADGEN_PORT?'),
    })
  })
})

describe('a Service of Kubernetes with the name of the program', () => {
  const SERVICE = {
    DEMO_SERVER_SERVICE_HOST: '10.0.0.11',
    DEMO_SERVER_SERVICE_PORT: '8888',
    DEMO_SERVER_SERVICE_PORT_DEMO: '8888',
    DEMO_SERVER_PORT: 'tcp://10.0.0.11:8888',
    DEMO_SERVER_PORT_8888_TCP: 'tcp://10.0.0.11:8888',
    DEMO_SERVER_PORT_8888_TCP_PROTO: 'tcp',
    DEMO_SERVER_PORT_8888_TCP_PORT: '8888',
    DEMO_SERVER_PORT_8888_TCP_ADDR: '10.0.0.11',
  }

  test('sets nothing with the variables that it brings, and stops nothing', async () => {
    for (const [name, value] of Object.entries(SERVICE)) vi.stubEnv(name, value)
    vi.stubEnv('DEMO_SERVER_MAX_CONNECTIONS', '7')
    expect(await optionsOf()).toEqual({ port: 8888, maxConnections: 7, quiet: false })
  })

  test('leaves a port that is one', async () => {
    for (const [name, value] of Object.entries(SERVICE)) vi.stubEnv(name, value)
    vi.stubEnv('DEMO_SERVER_PORT', '9000')
    expect(await optionsOf()).toMatchObject({ port: 9000 })
  })
})
