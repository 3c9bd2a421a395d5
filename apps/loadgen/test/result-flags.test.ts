import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@demo/testkit/ports'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { readJson, runLoad, startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

const SMALL = ['--warmup', 0, '--amount', 200, '--connections', 2, '--window', 5] as const

describe('--percentiles', () => {
  it('are in the text and in the JSON, of every run of --repeat too', async () => {
    const { port } = await startDemoServer()
    const { json, stderr } = await runLoad(port, [...SMALL, '--percentiles', '50,95,99.99', '--repeat', 2])
    const { percentilesMs, latencyMs } = json
    expect(Object.keys(percentilesMs?.latencyMs ?? {})).toEqual(['50', '95', '99.99'])
    expect(percentilesMs?.latencyMs['50']).toBe(latencyMs.p50)
    expect(percentilesMs?.latencyMs['95']).toBeGreaterThanOrEqual(latencyMs.p90)
    expect(percentilesMs?.latencyMs['95']).toBeLessThanOrEqual(latencyMs.p99)
    expect(json.repeats?.every((run) => run.percentilesMs !== undefined)).toBe(true)
    expect(stderr).toMatch(/^ {2}p50 .*\n {2}p95 .*\n {2}p99\.99 .*\n {2}max /m)
  })

  it('may be in thresholds without being shown, and in one of several workers', async () => {
    const { port } = await startDemoServer()
    const thresholds = ['--threshold', 'p95<10s,p99.99<1us,service.p75<10s']
    const { status, json, stderr } = await runLoad(port, [...SMALL, '--workers', 2, ...thresholds])
    expect(status).toBe(99)
    expect(stderr).toMatch(/passed {2}p95<10s: it is [\d.]+ (µs|ms)$/m)
    expect(stderr).toMatch(/CROSSED p99\.99<1us: it is [\d.]+ (µs|ms)$/m)
    expect(stderr).not.toMatch(/^ {2}p95/m)
    expect(Object.keys(json.percentilesMs?.latencyMs ?? {})).toEqual(['75', '95', '99.99'])
  })

  it.each(['0', '100.1', 'x', 'p95', ''])('refuses %j', async (percentile) => {
    const program = startLoadgen(['--percentiles', percentile])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringContaining('a percentile above 0, up to 100')])
  })
})

describe('a run without an answer', () => {
  it('has no times: null in the JSON, a dash in the text, and every threshold on them is crossed', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const load = ['--duration', '200ms', '--connections', 1, '--window', 5, '--timeout', '300ms']
    const { status, json, stderr } = await runLoad(port, [
      ...load,
      '--threshold',
      'p99<10m,p95>0us'.replace('10m', '9s'),
    ])
    expect(status).toBe(1)
    expect(json.latencyMs).toEqual({ min: null, mean: null, p50: null, p90: null, p99: null, p999: null, max: null })
    expect(json.percentilesMs?.latencyMs).toEqual({ '95': null })
    expect(json.thresholds).toMatchObject([
      { actual: null, passed: false },
      { actual: null, passed: false },
    ])
    expect(stderr).toMatch(/CROSSED p99<9s: no answer$/m)
    expect(stderr).toMatch(/^ {2}p99 +–$/m)
    expect(stderr).not.toContain('0.000 ms')
  })
})

describe('a run that is interrupted', () => {
  it('says so in the text, the JSON, the CSV and the percentiles for the plotter', async () => {
    const { port } = await startDemoServer()
    const folder = temporaryFolder()
    const files = ['--csv', join(folder, 'run.csv'), '--hgrm', join(folder, 'run.hgrm')]
    const load = ['--warmup', 0, '--duration', '10m', '--connections', 2, '--window', 5]
    const program = startLoadgen(['--port', port, ...load, '--json', '-', ...files])
    await program.until('the load to begin', () => program.stderrLines.find((line) => line.includes('load')))
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(readJson(program)).toMatchObject({ interrupted: true, interruptedBecause: 'SIGINT' })
    expect(program.stderr).toMatch(/^interrupted SIGINT, after [\d.]+ s: not the whole run$/m)
    expect(readFileSync(join(folder, 'run.csv'), 'utf8')).toMatch(/,interrupted\r\n.*,true\r\n/)
    expect(readFileSync(join(folder, 'run.hgrm'), 'utf8')).toMatch(/^#\[Interrupted: SIGINT, after .*\]$/m)
  })
})

describe('--csv', () => {
  it('has a line for each slice, with the figures of the JSON, and nothing where there is none', async () => {
    // Answers the first request only.
    const port = await startOddServer(answering((id, number) => (number === 1 ? `0000000e82${id}00` : '')))
    const file = join(temporaryFolder(), 'run.json')
    const load = ['--duration', '500ms', '--connections', 1, '--window', 1, '--timeout', '200ms']
    const program = startLoadgen(['--port', port, '--warmup', 0, ...load, '--json', file, '--csv', '-'])
    await program.exit()
    const json = JSON.parse(readFileSync(file, 'utf8')) as { slices: Record<string, number | null>[] }
    const [head, ...rows] = program.stdout
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','))
    expect(rows).toHaveLength(json.slices.length)
    for (const [i, row] of rows.entries()) {
      for (const [column, name] of head.entries()) {
        if (name === 'interrupted') expect(row[column]).toBe('false')
        else expect(row[column], name).toBe(String(json.slices[i][name] ?? ''))
      }
    }
    expect(rows.at(-1)?.[head.indexOf('p99')]).toBe('')
    expect(program.stderr).toMatch(/^throughput/m)
  })
})

describe('--config', () => {
  const write = (text: string) => {
    const file = join(temporaryFolder(), 'load.yaml')
    writeFileSync(file, text)
    return file
  }

  it('has what no flag and no variable says; a flag beats a variable, and that beats the file', async () => {
    const { port } = await startDemoServer()
    const file = write(
      `port: ${port}\nconnections: 4\nwindow: 3\nwarmup: 0\namount: 40\npayload-size: 7\npercentiles: [50, 99.99]\nthreshold:\n  - acks==40\n  - failed<1%\nquiet: true\n`,
    )
    const program = startLoadgen(['--config', file, '--payload-size', 9, '--json', '-'], {
      environment: { DEMO_LOADGEN_CONNECTIONS: '2', DEMO_LOADGEN_PAYLOAD_SIZE: '8' },
    })
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    const { options, thresholds, percentilesMs, acks } = readJson(program)
    expect(options).toMatchObject({ connections: 2, window: 3, payloadSize: 9 })
    expect(options).not.toHaveProperty('config')
    expect(thresholds).toHaveLength(2)
    expect(Object.keys(percentilesMs?.latencyMs ?? {})).toEqual(['50', '99.99'])
    expect(acks).toBe(40)
  })

  it.each([
    { text: 'conections: 4', told: /:1: there is no key conections/ },
    { text: 'port: 1\nrate: fast', told: /:2: rate: it must be a number a second/ },
    { text: 'percentiles: [101]', told: /:1: percentiles: it must be a percentile/ },
    { text: '- a', told: /it must be keys and values/ },
  ])('is refused with its line and status 2: $text', async ({ text, told }) => {
    const program = startLoadgen(['--config', write(text)])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringMatching(told)])
  })

  it('is there for the other commands', async () => {
    const program = startLoadgen(['search', '--config', write('slo: fast')])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringMatching(/:1: slo: it must be a metric/)])
  })
})

describe('a file that can not be read', () => {
  it.each(['--payload-file', '--token-file', '--tls-ca'])(
    'is a line that names the flag, and status 2: %s',
    async (flag) => {
      const folder = temporaryFolder()
      mkdirSync(join(folder, 'folder'))
      for (const { file, why } of [
        { file: join(folder, 'folder'), why: 'it is a folder; expected a file' },
        { file: join(folder, 'nothing'), why: 'ENOENT' },
      ]) {
        const program = startLoadgen(['--port', await freePort(), flag, file])
        expect(await program.exit()).toEqual({ status: 2, signal: null })
        expect(program.stderrLines).toEqual([expect.stringContaining(`can't read ${flag} '${file}': ${why}`)])
      }
    },
  )
})
