import { createAuthority } from '@demo/testkit/certificates'
import type { ProgramOptions } from '@demo/testkit/program'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

interface Setting {
  readonly key: string
  readonly inFile: string
  readonly inEnvironment: string
  readonly typed: string
  /** Undefined if there is none. */
  readonly standard: string | undefined
}

/** One flag of each kind. */
const SETTINGS: readonly Setting[] = [
  { key: 'max-connections', inFile: '1', inEnvironment: '2', typed: '3', standard: '10000' },
  { key: 'idle-timeout', inFile: '1s', inEnvironment: '2s', typed: '3s', standard: '5m' },
  { key: 'max-frame-length', inFile: '1KiB', inEnvironment: '2KiB', typed: '3KiB', standard: '1MiB' },
  { key: 'port', inFile: '1', inEnvironment: '2', typed: '3', standard: '8888' },
  { key: 'host', inFile: 'a', inEnvironment: 'b', typed: 'c', standard: '127.0.0.1' },
  { key: 'log-level', inFile: 'warn', inEnvironment: 'debug', typed: 'trace', standard: 'info' },
  { key: 'workers', inFile: '2', inEnvironment: '3', typed: '4', standard: '1' },
  { key: 'engine', inFile: 'node', inEnvironment: 'auto', typed: 'node', standard: 'auto' },
  { key: 'listen-path', inFile: '/a', inEnvironment: '/b', typed: '/c', standard: undefined },
  { key: 'proxy-protocol-from', inFile: '::1', inEnvironment: '::2', typed: '::3', standard: undefined },
]

describe('--config', () => {
  it('beats the default, and is beaten by the environment, which a flag beats: whatever kind it is', async () => {
    const folder = new Folder()
    const file = folder.write('demo.yaml', SETTINGS.map(({ key, inFile }) => `${key}: ${inFile}\n`).join(''))
    const environment = Object.fromEntries(SETTINGS.map((one) => [variableOf(one.key), one.inEnvironment]))
    const typed = SETTINGS.flatMap(({ key, typed }) => [`--${key}`, typed])
    const expected = (say: (one: Setting) => string | undefined) => SETTINGS.flatMap((one) => say(one) ?? [])
    const printed = async (args: string[], options?: ProgramOptions) => {
      const lines = await print(args, options)
      return SETTINGS.flatMap(({ key }) => lines.filter((line) => line.startsWith(`${key}: `)))
    }

    const standard = expected((one) => one.standard && `${one.key}: ${one.standard} # default`)
    expect(await printed([])).toEqual(standard)
    const fromFile = expected((one) => `${one.key}: ${one.inFile} # ${file}`)
    expect(await printed(['--config', file])).toEqual(fromFile)
    const fromEnvironment = expected((one) => `${one.key}: ${one.inEnvironment} # ${variableOf(one.key)}`)
    expect(await printed(['--config', file], { environment })).toEqual(fromEnvironment)
    const fromFlags = expected((one) => `${one.key}: ${one.typed} # --${one.key}`)
    expect(await printed([...typed, '--config', file], { environment })).toEqual(fromFlags)
  })

  it('is what the server serves with', async () => {
    const file = new Folder().write('demo.yaml', '# ours\nport: 0\nmetrics-port: 0\nmax-frame-length: 64\n')
    const server = await startDemoServer([], { environment: { DEMO_SERVER_CONFIG: file } })
    const peer = await server.connect()
    peer.send(`${submit(1)}00000041`)
    expect(await peer.receiveAll()).toBe(submitAck(1))
    expect(server.port).not.toBe(8888)
  })

  it('may be empty', async () => {
    for (const text of ['', '# nothing\n', '---\n', '{}']) {
      expect(await print(['--config', new Folder().write('demo.yaml', text)])).toContain('port: 8888 # default')
    }
  })

  it.each([
    {
      what: 'an unknown key',
      text: 'port: 0\nmax-conections: 5\n',
      at: ':2: ',
      said: ['max-conections', 'max-connections'],
    },
    { what: 'a flag instead of a key', text: '--port: 0\n', at: ':1: ', said: ['--port'] },
    { what: 'a name in another style', text: 'maxConnections: 5\n', at: ':1: ', said: ['maxConnections'] },
    { what: 'a file within the file', text: 'config: other.yaml\n', at: ':1: ', said: ['config'] },
    { what: 'a key that all objects have', text: '__proto__: 5\n', at: ':1: ', said: ['__proto__'] },
    {
      what: 'a number that is none',
      text: '\n\nmax-connections: many\n',
      at: ':3: ',
      said: ["invalid max-connections 'many': "],
    },
    { what: 'a number below 0', text: 'max-connections: -1\n', at: ':1: ', said: ["invalid max-connections '-1': "] },
    { what: 'a list where there is to be one', text: 'port: [1, 2]\n', at: ':1: ', said: ['invalid port: ', 'a list'] },
    { what: 'a mapping', text: 'port:\n  tcp: 1\n', at: ':1: ', said: ['invalid port: ', 'a mapping'] },
    { what: 'nothing', text: 'host:\n', at: ':1: ', said: ['invalid host: ', 'got nothing'] },
    {
      what: 'a time without a unit',
      text: 'idle-timeout: 5\n',
      at: ':1: ',
      said: ["invalid idle-timeout '5': ", '10s'],
    },
    {
      what: 'a time with a wrong unit',
      text: 'idle-timeout: 5 days\n',
      at: ':1: ',
      said: ["invalid idle-timeout '5 days': "],
    },
    {
      what: 'a size with a wrong unit',
      text: 'max-frame-length: 1MB\n',
      at: ':1: ',
      said: ["invalid max-frame-length '1MB': ", 'MiB'],
    },
    { what: 'yes for true', text: 'tls-require-client-cert: yes\n', at: ':1: ', said: ['true or false'] },
    { what: 'the same key twice', text: 'port: 1\nport: 2\n', at: ':2: ', said: ['unique'] },
    { what: 'no YAML', text: 'port: 1\n  host: [\n', at: ':', said: [] },
    { what: 'an alias of nothing', text: 'port: *nothing\n', at: ': ', said: ['nothing'] },
    { what: 'a list of all', text: '- port: 1\n', at: ': ', said: ['port: 8888'] },
    { what: 'text', text: 'just text\n', at: ': ', said: ['port: 8888'] },
    { what: 'two documents', text: 'port: 1\n---\nport: 2\n', at: ':', said: [] },
  ])('ends the start with one line that names the file, the line and the key: $what', async ({ text, at, said }) => {
    const file = new Folder().write('demo.yaml', text)
    const line = await complaint(startDemoServerProgram(['--config', file]), 2)
    expect(line).toContain(`${file}${at}`)
    for (const one of said) expect(line).toContain(one)
  })

  it.each(['missing.yaml', '.'])('ends the start with one line when it can not be read: %s', async (name) => {
    const file = new Folder().at(name)
    const line = await complaint(startDemoServerProgram(['--config', file]), 2)
    expect(line).toMatch(/^demo-server: can't read the configuration: /)
  })

  it.each([
    { key: 'max-frame-length', value: '12', said: 'max-frame-length: invalid value 12: expected an integer from 13' },
    { key: 'proxy-protocol-from', value: '10.0.0.1,nobody', said: 'proxy-protocol-from: invalid value: "nobody"' },
    { key: 'tls-cert', value: 'some.pem', said: 'tls-cert needs --tls-key' },
    { key: 'tls-require-client-cert', value: 'true', said: 'tls-require-client-cert needs --tls-ca' },
  ])('names its line also when each by itself would do: $key', async ({ key, value, said }) => {
    const file = new Folder().write('demo.yaml', `# ours\n${key}: ${value}\n`)
    expect(await complaint(startDemoServerProgram(['--config', file]), 2)).toContain(`${file}:2: ${said}`)
    const variable = variableOf(key)
    const line = await complaint(startDemoServerProgram([], { environment: { [variable]: value } }), 2)
    expect(line).toContain(`${variable}${said.slice(key.length)}`)
  })
})

describe('--check-config', () => {
  it('checks the files that it names, and does not serve', async () => {
    const folder = new Folder()
    const { cert, key } = await createAuthority('ours')
    const file = folder.write(
      'demo.yaml',
      [
        `tls-cert: ${folder.write('cert.pem', cert)}`,
        `tls-key: ${folder.write('key.pem', key)}`,
        `tls-ca: ${folder.at('cert.pem')}`,
        'tls-require-client-cert: true',
        `auth-tokens-file: ${folder.write('tokens', 'secret\n')}`,
        `handler: ${folder.write('handlers.mjs', 'setInterval(() => {}, 1000)\nexport default { onSubmit() {} }')}`,
        'proxy-protocol-from: [10.0.0.0/8, unix]',
        'port: 0',
        'metrics-port: 0',
      ].join('\n'),
    )
    const program = startDemoServerProgram(['--config', file, '--check-config'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect([program.stdout, program.stderr]).toEqual(['the configuration is fine\n', ''])
    const server = await startDemoServer(['--config', file])
    expect(server.program.running).toBe(true)
  })

  it('is one line when a file is missing', async () => {
    const folder = new Folder()
    const file = folder.write('demo.yaml', `auth-tokens-file: ${folder.at('nobody')}\n`)
    const line = await complaint(startDemoServerProgram(['--config', file, '--check-config']), 2)
    expect(line).toContain(folder.at('nobody'))
  })
})

describe('--print-config', () => {
  it('prints a file with the same values, from all sources', async () => {
    const folder = new Folder()
    const yaml =
      'proxy-protocol-from:\n  - 10.0.0.0/8\n  - "::1"\nhost: "::1"\nhandler: "a: b # c"\nidle-timeout: 90s\n'
    const args = ['--config', folder.write('demo.yaml', yaml), '--max-connections', '7', '--tls-require-client-cert']
    const flags = [...args, '--tls-ca', 'ca', '--tls-cert', 'true', '--tls-key', '0x10']
    const first = await print(flags, { environment: { DEMO_SERVER_LISTEN_PATH: '8888' } })
    const again = await print(['--config', folder.write('printed.yaml', `${first.join('\n')}\n`)])
    expect(withoutSources(again)).toEqual(withoutSources(first))
    const printed = `tls-require-client-cert: true # ${folder.at('printed.yaml')}`
    expect(again).toContain(printed)
    expect(again).toContain(`handler: "a: b # c" # ${folder.at('printed.yaml')}`)
  })

  it('prints names of files, and nothing that is in them', async () => {
    const folder = new Folder()
    const flags = ['--auth-tokens-file', folder.write('tokens', 'open-sesame\n')]
    const lines = await print(flags)
    expect(lines).toContain(`auth-tokens-file: ${folder.at('tokens')} # --auth-tokens-file`)
    expect(lines.join('\n')).not.toContain('open-sesame')
  })
})

function variableOf(key: string): string {
  return `DEMO_SERVER_${key.replaceAll('-', '_').toUpperCase()}`
}

async function print(args: readonly string[], options?: ProgramOptions): Promise<string[]> {
  const program = startDemoServerProgram([...args, '--print-config'], options)
  expect(await program.exit()).toEqual({ status: 0, signal: null })
  expect(program.stderr).toBe('')
  return program.stdoutLines
}

function withoutSources(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ # [^#]*$/, ''))
}
