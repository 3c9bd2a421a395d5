import { execFileSync } from 'node:child_process'
import { Program } from '@demo/testkit/program'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { MAIN, startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

function runs(program: string, args: readonly string[], input = ''): boolean {
  try {
    execFileSync(program, args, { stdio: ['pipe', 'ignore', 'ignore'], input })
    return true
  } catch {
    return false
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const SEQUENCE = /\x1b\[\d*[A-Zm]/g

const LONG = ['--warmup', 0, '--duration', '10m', '--connections', 2] as const

describe('without a terminal', () => {
  it('a run tells a plain line a second', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, ...LONG])
    await program.until('two lines', () => program.stderrLines[1])
    const line = /^load: [\d,]+ acks, [\d,]+ acks\/s, p50 [\d.]+ ms, p99 [\d.]+ ms, [\d,]+ in flight, 0 errors$/
    for (const one of program.stderrLines) expect(one).toMatch(line)
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).not.toContain('\x1b')
  })

  it('a quiet run tells nothing', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, '--quiet', '--warmup', 0, '--duration', '1200ms', '--connections', 2])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).toBe('')
    expect(program.stdout).toMatch(/^throughput/m)
  })
})

// `script` of util-linux runs a program in a terminal of its own.
describe.skipIf(!runs('script', ['-qec', 'true', '/dev/null']))('on a terminal (script makes one)', () => {
  function onTerminal(args: readonly (string | number)[], columns = 100): Program {
    // Where CI is set, Node takes no terminal for a coloured one.
    const command = ['env', '-u', 'CI', process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
    return new Program('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null'], {
      environment: { TERM: 'xterm' },
    })
  }

  it('a run draws a bar, figures and a sparkline, in place, and takes them away', async () => {
    const { port } = await startDemoServer()
    const program = onTerminal(['--port', port, '--warmup', 0, '--duration', '1500ms', '--connections', 2])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toMatch(/load {5}█+·* +\d+ % +\d\.\d s/)
    expect(program.stdout).toMatch(/[\d,]+ acks\/s {3}p50 [\d.]+ ms {3}p99 [\d.]+ ms {3}[\d,]+ in flight {3}0 errors/)
    expect(program.stdout).toMatch(/[▁▂▃▄▅▆▇█]{3}/)
    // The last that is drawn is taken away, and the summary is what stays.
    expect(program.stdout.replaceAll('\x1b[1A\x1b[2K', '<up>')).toMatch(/<up>load {8}2 connections/)
  })

  it('at 80 columns nothing is cut off, and every trouble is there, in red', async () => {
    // Of four requests: a failure, a second answer and one to nothing, nothing at all, and a connection that is lost.
    const kinds = [
      (id: string) => `0000000e82${id}01`,
      (id: string) => `${`0000000e82${id}00`.repeat(2)}0000000e82ffffffffffffffff00`,
      () => '',
    ]
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      if (connections === 1) setTimeout(() => socket.destroy(), 300)
      answering((id, number) => kinds[number % kinds.length](id))(socket)
    })
    const load = ['--warmup', 0, '--connections', 2, '--window', 50, '--timeout', '400ms', '--rate', 100]
    const program = onTerminal(['--port', port, ...load, '--duration', '10m'], 80)
    const red = (text: string) => new RegExp(`\\x1b\\[31m[^\\x1b\n]*\\d ${text}[^\\n]*\\x1b\\[0m`)
    for (const text of ['failed', 'overdue', 'unsent', 'connections? lost', 'mismatched', 'duplicates']) {
      await program.until(`it says ${text}`, () => red(text).exec(program.stdout) ?? undefined)
    }
    const drawn = program.stdout.split(/\r?\n/).map((line) => line.replaceAll(SEQUENCE, ''))
    expect(drawn.filter((line) => [...line].length > 79)).toEqual([])
    const figures = drawn.filter((line) => line.includes('in flight'))
    expect(figures.length).toBeGreaterThan(3)
    for (const line of drawn) expect(line).not.toMatch(/in fli?g?h?$/)
    program.signal('SIGKILL')
  })

  it('a quiet run draws nothing', async () => {
    const { port } = await startDemoServer()
    const program = onTerminal(['--port', port, '--quiet', '--warmup', 0, '--duration', '600ms', '--connections', 2])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).not.toContain('\x1b')
  })
})

describe('--metrics-port', () => {
  it('serves the live figures, in a form that Prometheus reads', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, '--metrics-port', 0, ...LONG])
    const url = await program.until('its address', () => /^metrics: (http:\S+)$/m.exec(program.stderr)?.[1])
    let text = ''
    const value = (name: string) => Number(new RegExp(`^demo_loadgen_${name} (\\S+)$`, 'm').exec(text)?.[1])
    while (!(value('acks_total') > 1000)) text = await (await fetch(url)).text()
    expect(value('connections')).toBe(2)
    expect(value('in_flight')).toBeGreaterThan(0)
    expect(value('errors_total')).toBe(0)
    expect(value('phase{phase="load"}')).toBe(1)
    expect(value('phase{phase="drain"}')).toBe(0)
    expect(value('response_time_seconds{percentile="99"}')).toBeGreaterThan(0)
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404)
    if (runs('promtool', ['--version'])) expect(runs('promtool', ['check', 'metrics'], text)).toBe(true)
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
  })

  it('is one line and exit status 1 when the port is taken', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, '--metrics-port', port, ...LONG])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stderrLines).toEqual([expect.stringContaining('EADDRINUSE')])
  })
})
