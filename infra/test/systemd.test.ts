import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { Program } from '@demo/testkit/program'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { within } from '@demo/testkit/wait-for'
import { conn, connAck, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { listening } from '../../apps/server/test/demo-server.ts'
import { ACCEPTED, built, checkConfig } from './built.ts'
import { longestDrain } from './drain-time.ts'
import { isInstalled, skipReason } from './programs.ts'
import { infra, readText, readYaml } from './repository.ts'
import { makeSecrets, TOKEN } from './secrets.ts'
import { deniedSystemCalls } from './system-calls.ts'

const unitFile = infra('systemd/demo-server.service')
const configFile = infra('systemd/demo-server.yaml')
const unit = settings(readText(unitFile))

/** The highest exposure of `systemd-analyze security`, in tenths. Version 252 reports 1.3, and 9.6 without any hardening. */
const MOST_EXPOSED = 15

const openssl = ['openssl']

test('the unit waits for the drain before it kills', () => {
  expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(longestDrain(readYaml(configFile)))
  expect(value('KillMode')).toBe('mixed')
})

test('the unit allows V8 its executable memory', () => {
  expect(unit.get('MemoryDenyWriteExecute')).toBeUndefined()
})

test('the unit checks its configuration before it starts', () => {
  const start = value('ExecStart')
  expect(value('ExecStartPre')).toBe(`${start} --check-config`)
  expect(unit.get('ExecReload')).toEqual([`${start} --check-config`, '/bin/kill -HUP $MAINPID'])
  expect(start).toMatch(/ --config \/etc\/demo-server\/demo-server\.yaml$/)
})

test.skipIf(!isInstalled('openssl'))(`the program takes the sample configuration${skipReason(openssl)}`, () => {
  expect(checkConfig(configFile, makeSecrets().flags)).toEqual(ACCEPTED)
})

test('the program refuses it without the secrets, and names the first missing one', () => {
  expect(checkConfig(configFile, [])).toEqual({
    status: 2,
    output: expect.stringContaining('/etc/demo-server/tokens'),
  })
})

describe.skipIf(!isInstalled('systemd-analyze'))(`systemd${skipReason(['systemd-analyze'])}`, () => {
  test('finds no error in the unit', () => {
    const directory = temporaryFolder()
    const file = join(directory, 'demo-server.service')
    const here = readText(unitFile)
      .replaceAll('/usr/bin/node', process.execPath)
      .replaceAll('/opt/demo-server/dist/main.js', built('server'))
    writeFileSync(file, here)
    expect(run('systemd-analyze', ['verify', '--man=no', file])).toEqual({ status: 0, output: '' })
  })

  test(`calls it hardly exposed: at most ${MOST_EXPOSED / 10}`, () => {
    const args = ['security', '--offline=true', '--no-pager', `--threshold=${MOST_EXPOSED}`, unitFile]
    const { status, output } = run('systemd-analyze', args)
    expect(status, output).toBe(0)
    expect(output).toContain('Overall exposure level')
  })

  test.skipIf(!isInstalled('systemd-sysusers'))('makes the user that the unit runs as', () => {
    const directory = temporaryFolder()
    mkdirSync(join(directory, 'etc'))
    const { status, output } = run('systemd-sysusers', [
      `--root=${directory}`,
      infra('systemd/demo-server.sysusers.conf'),
    ])
    expect(status, output).toBe(0)
    const users = readFileSync(join(directory, 'etc/passwd'), 'utf8')
    expect(users.split('\n').map((line) => line.split(':')[0])).toContain(value('User'))
    const groups = readFileSync(join(directory, 'etc/group'), 'utf8')
    expect(groups.split('\n').map((line) => line.split(':')[0])).toContain(value('Group'))
  })

  const traced = ['strace', 'openssl']
  test.skipIf(!traced.every(isInstalled))(`denies no system call that it needs${skipReason(traced)}`, async () => {
    const { directory, flags } = makeSecrets()
    const trace = join(directory, 'trace')
    const ports = ['--host', '127.0.0.1', '--port', '0', '--metrics-port', '0']
    const server = ['--config', configFile, ...flags, ...ports, '--workers', '2', '--drain-delay', '0']
    const options = ['--follow-forks', '--quiet=all', '--string-limit=0', '--output', trace]
    const program = new Program('strace', [...options, process.execPath, built('server'), ...server])
    const demo = await listening(program)
    await askOverTls(demo.port)
    await fetch(`http://127.0.0.1:${demo.metricsPort}/metrics`)
    const pid = Number(demo.logged('listening')[0]?.['pid'])
    process.kill(pid, 'SIGHUP')
    await demo.untilLogged('reloaded', 4)
    process.kill(pid, 'SIGTERM')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(deniedSystemCalls(readText(trace), unit.get('SystemCallFilter') ?? [])).toEqual([])
  })
})

/** The settings of a unit: each key with its values in order. */
function settings(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [, key, setting] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && setting !== undefined) found.set(key, [...(found.get(key) ?? []), setting])
  }
  return found
}

function value(key: string): string {
  const [only, ...more] = unit.get(key) ?? []
  if (only === undefined || more.length > 0) throw new Error(`the unit does not have one ${key}`)
  return only
}

function run(command: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/** Sends the token and one request. */
function askOverTls(port: number): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    socket.on('secureConnect', () => socket.write(conn(1, Buffer.from(TOKEN).toString('hex')) + submit(2), 'hex'))
    let received = ''
    socket.setEncoding('hex').on('data', (text: string) => {
      received += text
      if (received === connAck(1) + submitAck(2)) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
  })
  return within(answered, 'for an answer over TLS')
}
