import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  addFlags,
  Command,
  ExitError,
  type Flags,
  flag,
  optionalFlag,
  parseCommandLine,
  parseCount,
  parseDuration,
  parseOneOf,
  parsePort,
  parseSize,
  parseText,
  switchFlag,
  type Values,
} from './index.ts'

const FLAGS = {
  port: flag('--port <port>', 'where to listen', parsePort, '8888'),
  maxFrameLength: flag('--max-frame-length <size>', 'the most', parseSize, '1MiB'),
  idleTimeout: flag('--idle-timeout <time>', 'the longest', parseDuration, '5m'),
  logFormat: flag('-f, --log-format <format>', 'for whom', parseOneOf(['json', 'pretty'] as const), 'json'),
  amount: optionalFlag('--amount <n>', 'how many', parseCount),
  json: optionalFlag('--json <file>', 'where to', parseText),
} satisfies Flags

type Options = Values<typeof FLAGS>

const STANDARD = { port: 8888, maxFrameLength: 1_048_576, idleTimeout: 300_000, logFormat: 'json' }

// The environment of the tests may have some.
beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('DEMO_')) vi.stubEnv(name, undefined)
  }
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Captures the output of a program in a test. */
function output(): { stdout: () => string; stderr: () => string } {
  const capture = (stream: NodeJS.WriteStream) => {
    const spy = vi.spyOn(stream, 'write').mockImplementation(() => true)
    onTestFinished(() => spy.mockRestore())
    return () => spy.mock.calls.map(([text]) => String(text)).join('')
  }
  return { stdout: capture(process.stdout), stderr: capture(process.stderr) }
}

function createProgram(action: (options: Options) => void | Promise<void> = () => {}): Command {
  const command = new Command('demo').description('Does it.').version('1.2.3').allowExcessArguments(false)
  return addFlags(command.action(action), 'DEMO_SERVER', FLAGS)
}

/** The options that a command line makes. */
async function optionsOf(...args: string[]): Promise<Options> {
  let options: Options | undefined
  const program = createProgram((parsed) => {
    options = parsed
  })
  await parseCommandLine(program, ['node', 'demo', ...args])
  if (options === undefined) throw new Error('the action was not run')
  return options
}

/** The error that a command line ends with. Nothing may be written before: the caller writes the error. */
async function endOf(program: Command, ...args: string[]): Promise<ExitError> {
  const { stdout, stderr } = output()
  const end = await parseCommandLine(program, ['node', 'demo', ...args]).then(
    () => {
      throw new Error('it did not end')
    },
    (error: unknown) => error,
  )
  if (!(end instanceof ExitError)) throw end
  if (end.status !== 0) expect(stdout() + stderr()).toBe('')
  return end
}

const usageOf = (...args: string[]) => endOf(createProgram(), ...args)

describe('a flag', () => {
  test('has its default, parsed as if it were typed', async () => {
    expect(await optionsOf()).toEqual(STANDARD)
  })

  test('beats its default', async () => {
    expect(await optionsOf('--port', '0', '--max-frame-length=64KiB', '--idle-timeout', '10s', '-f', 'pretty')).toEqual(
      { port: 0, maxFrameLength: 65_536, idleTimeout: 10_000, logFormat: 'pretty' },
    )
  })

  test('without a default is there only when it is given', async () => {
    expect(await optionsOf()).not.toHaveProperty('amount')
    expect(await optionsOf('--amount', '7', '--json', '-')).toEqual({ ...STANDARD, amount: 7, json: '-' })
  })

  test('that is given twice has its last value', async () => {
    expect(await optionsOf('--port', '1', '--port', '2')).toMatchObject({ port: 2 })
  })
})

describe('an environment variable', () => {
  test('beats the default', async () => {
    vi.stubEnv('DEMO_SERVER_PORT', '9000')
    expect(await optionsOf()).toEqual({ ...STANDARD, port: 9000 })
  })

  test('is beaten by the flag', async () => {
    vi.stubEnv('DEMO_SERVER_PORT', '9000')
    expect(await optionsOf('--port', '9001')).toEqual({ ...STANDARD, port: 9001 })
  })

  test('is beaten by the flag, also where that says the default', async () => {
    vi.stubEnv('DEMO_SERVER_PORT', '9000')
    expect(await optionsOf('--port', '8888')).toEqual(STANDARD)
  })

  test('is named after the long flag, and there is one for each', async () => {
    vi.stubEnv('DEMO_SERVER_MAX_FRAME_LENGTH', '64KiB')
    vi.stubEnv('DEMO_SERVER_IDLE_TIMEOUT', '0')
    vi.stubEnv('DEMO_SERVER_LOG_FORMAT', 'pretty')
    vi.stubEnv('DEMO_SERVER_AMOUNT', '3')
    vi.stubEnv('DEMO_SERVER_JSON', 'out.json')
    expect(await optionsOf()).toEqual({
      port: 8888,
      maxFrameLength: 65_536,
      idleTimeout: 0,
      logFormat: 'pretty',
      amount: 3,
      json: 'out.json',
    })
  })

  test('of another program is not read', async () => {
    vi.stubEnv('DEMO_LOADGEN_PORT', '9000')
    vi.stubEnv('PORT', '9000')
    expect(await optionsOf()).toEqual(STANDARD)
  })

  test('that is wrong does not matter where the flag beats it', async () => {
    vi.stubEnv('DEMO_SERVER_PORT', 'none')
    expect(await optionsOf('--port', '1')).toMatchObject({ port: 1 })
  })
})

describe('an error is one line, and status 2', () => {
  test('an invalid flag: it names the flag, the value, and what is expected', async () => {
    expect(await usageOf('--port', '65536')).toMatchObject({
      status: 2,
      message: "invalid --port '65536': expected a port from 0 (any free one) to 65535; see --help",
    })
  })

  test('an invalid variable: it names the variable, the value, and what is expected', async () => {
    vi.stubEnv('DEMO_SERVER_MAX_FRAME_LENGTH', '1MB')
    const { status, message } = await usageOf()
    expect(status).toBe(2)
    expect(message).toBe(
      "invalid DEMO_SERVER_MAX_FRAME_LENGTH '1MB': expected a size like 4096, 64KiB or 1MiB, or 0 for no limit; see --help",
    )
  })

  test('a variable that is empty: it names the variable', async () => {
    vi.stubEnv('DEMO_SERVER_PORT', '')
    const { status, message } = await usageOf()
    expect(status).toBe(2)
    expect(message).toContain("invalid DEMO_SERVER_PORT '': expected a port")
  })

  test.each([
    ['an unknown flag', ['--nothing'], "unknown option '--nothing'"],
    ['a flag that is almost right', ['--prot', '1'], '--port'],
    ['a flag without its value', ['--port'], "option '--port <port>' argument missing"],
    ['a flag that is followed by a flag', ['--port', '--json', '-'], '--port'],
    ['an argument too many', ['something'], 'too many arguments'],
    ['an unknown short flag', ['-x'], "unknown option '-x'"],
    ['one of no words', ['-f', 'xml'], "invalid --log-format 'xml': expected one of json, pretty"],
  ])('%s', async (_what, args, expected) => {
    const { status, message } = await usageOf(...args)
    expect(status).toBe(2)
    expect(message).toContain(expected)
    expect(message).toMatch(/^[^\n]+; see --help$/)
    expect(message).not.toMatch(/^error/)
  })

  test('also when the value has lines', async () => {
    const { status, message } = await usageOf('--port', '1\n2\n\n3')
    expect(status).toBe(2)
    expect(message).toContain('--port')
    expect(message).not.toContain('\n')
  })

  test.each([
    ['a RangeError', new RangeError('Invalid array length')],
    ['a TypeError', new TypeError('undefined is not a function')],
    ['no error', 'not odd'],
  ])('but not a bug of a parser: %s', async (_what, bug) => {
    const program = new Command('demo').action(() => {})
    addFlags(program, 'DEMO', {
      odd: optionalFlag('--odd <n>', 'odd', () => {
        throw bug
      }),
    })
    await expect(parseCommandLine(program, ['node', 'demo', '--odd', '2'])).rejects.toBe(bug)
  })

  test('runs nothing', async () => {
    let run = false
    const program = createProgram(() => {
      run = true
    })
    await endOf(program, '--port', 'x')
    expect(run).toBe(false)
  })
})

test('an invalid default is found when the program starts', () => {
  const flags = { port: flag('--port <port>', '', parsePort, '99999') }
  expect(() => addFlags(new Command('demo'), 'DEMO', flags)).toThrow(RangeError)
})

describe('help and version', () => {
  test.each(['--help', '-h'])('%s goes to standard output, and is status 0 with nothing more to say', async (flag) => {
    const { stdout, stderr } = output()
    await expect(parseCommandLine(createProgram(), ['node', 'demo', flag])).rejects.toMatchObject({
      status: 0,
      message: '',
    })
    expect(stdout()).toContain('Usage: demo')
    expect(stderr()).toBe('')
  })

  test('lists each flag with its default as it is typed, and its variable', async () => {
    const { stdout } = output()
    await expect(parseCommandLine(createProgram(), ['node', 'demo', '--help'])).rejects.toBeInstanceOf(ExitError)
    // Where the lines are broken depends on the terminal.
    const text = stdout().replaceAll(/\s+/g, ' ')
    expect(text).toContain('--port <port> where to listen (default: 8888, env: DEMO_SERVER_PORT)')
    expect(text).toContain('--max-frame-length <size> the most (default: 1MiB, env: DEMO_SERVER_MAX_FRAME_LENGTH)')
    expect(text).toContain('--idle-timeout <time> the longest (default: 5m, env: DEMO_SERVER_IDLE_TIMEOUT)')
    expect(text).toContain('-f, --log-format <format> for whom (default: json, env: DEMO_SERVER_LOG_FORMAT)')
    expect(text).toContain('--amount <n> how many (env: DEMO_SERVER_AMOUNT)')
  })

  test.each(['--version', '-V'])('%s goes to standard output, and is status 0', async (flag) => {
    const { stdout, stderr } = output()
    await expect(parseCommandLine(createProgram(), ['node', 'demo', flag])).rejects.toMatchObject({
      status: 0,
      message: '',
    })
    expect(stdout()).toBe('1.2.3\n')
    expect(stderr()).toBe('')
  })

  test.each(['--version', '--help', '-h'])('%s works even if a variable is invalid', async (flag) => {
    const { stdout } = output()
    vi.stubEnv('DEMO_SERVER_AMOUNT', 'many')
    await expect(parseCommandLine(createProgram(), ['node', 'demo', flag])).rejects.toMatchObject({ status: 0 })
    expect(stdout()).toMatch(flag === '--version' ? /^1\.2\.3\n$/ : /^Usage: demo/)
  })

  test('is not what a flag’s value says: it is the value', async () => {
    vi.stubEnv('DEMO_SERVER_PORT', '9000')
    expect(await optionsOf('--json=-h')).toMatchObject({ port: 9000, json: '-h' })
  })
})

describe('subcommands', () => {
  function createPrograms(ran: (name: string, options: Options) => void = () => {}): Command {
    const program = new Command('demo')
    for (const name of ['run', 'simulate']) {
      const command = program.command(name, { isDefault: name === 'run' }).allowExcessArguments(false)
      addFlags(
        command.action((options: Options) => ran(name, options)),
        'DEMO_LOADGEN',
        FLAGS,
      )
    }
    return program
  }

  test.each([
    [[], 'run', 8888],
    [['--port', '1'], 'run', 1],
    [['run', '--port', '2'], 'run', 2],
    [['simulate', '--port', '3'], 'simulate', 3],
  ])('%j', async (args, name, port) => {
    const runs: [string, number][] = []
    const programs = createPrograms((ran, options) => runs.push([ran, options.port]))
    await parseCommandLine(programs, ['node', 'demo', ...args])
    expect(runs).toEqual([[name, port]])
  })

  test('read the same variables', async () => {
    vi.stubEnv('DEMO_LOADGEN_PORT', '9000')
    const runs: number[] = []
    for (const name of ['run', 'simulate']) {
      await parseCommandLine(
        createPrograms((_name, options) => runs.push(options.port)),
        ['node', 'demo', name],
      )
    }
    expect(runs).toEqual([9000, 9000])
  })

  test('say what is wrong in the same way', async () => {
    const ending = await endOf(createPrograms(), 'simulate', '--port', 'x')
    expect(ending).toMatchObject({
      status: 2,
      message: expect.stringMatching(/^invalid --port 'x': [^\n]*; see --help$/),
    })
  })

  test('have a help of their own', async () => {
    const { stdout } = output()
    await expect(parseCommandLine(createPrograms(), ['node', 'demo', 'simulate', '--help'])).rejects.toMatchObject({
      status: 0,
      message: '',
    })
    expect(stdout()).toContain('Usage: demo simulate')
  })

  test('that there are not are one line and status 2', async () => {
    const { status, message } = await endOf(createPrograms(), 'nothing')
    expect(status).toBe(2)
    expect(message).toMatch(/^[^\n]+; see --help$/)
  })
})

describe('the action', () => {
  test('is waited for', async () => {
    let done = false
    const program = createProgram(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      done = true
    })
    await parseCommandLine(program, ['node', 'demo'])
    expect(done).toBe(true)
  })

  test.each([
    ['an ExitError', new ExitError(3, "can't listen")],
    ['a bug', new TypeError('undefined is not a function')],
  ])('that throws %s is not a wrong usage', async (_what, thrown) => {
    const program = createProgram(() => {
      throw thrown
    })
    await expect(parseCommandLine(program, ['node', 'demo'])).rejects.toBe(thrown)
  })
})

test.each([
  { argv: [], environment: undefined, expected: false },
  { argv: ['--no-reconnect'], environment: undefined, expected: true },
  { argv: [], environment: 'true', expected: true },
])('a switch may be called --no-x, and is off unless given: %j', async ({ argv, environment, expected }) => {
  const flags = { noReconnect: switchFlag('--no-reconnect', 'not again') }
  vi.stubEnv('DEMO_SERVER_NO_RECONNECT', environment)
  const program = addFlags(
    new Command('demo').action(() => {}),
    'DEMO_SERVER',
    flags,
  )
  await parseCommandLine(program, ['node', 'demo', ...argv])
  expect(program.opts<Values<typeof flags>>().noReconnect).toBe(expected)
})
