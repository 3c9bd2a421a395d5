import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { waitFor } from '@demo/testkit/wait-for'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import manifest from '../package.json' with { type: 'json' }
import { type RunJson, readJson, runLoad, startLoadgen } from './demo-loadgen.ts'
import { startOddServer } from './odd-server.ts'

const SMALL = ['--amount', 1000, '--connections', 3, '--window', 7] as const

describe('demo-loadgen run', () => {
  it('sends exactly --amount requests, and writes everything about them as JSON', async () => {
    const server = await startDemoServer()
    const { status, json } = await runLoad(server.port, SMALL)
    expect(status).toBe(0)
    expect(json).toMatchObject({
      schemaVersion: 1,
      requests: 1000,
      acks: 1000,
      failedAcks: 0,
      unanswered: 0,
      mismatched: 0,
      errors: 0,
      errorMessages: [],
    })
    expect(json.durationSeconds).toBeGreaterThan(0)
    expect(json.acksPerSecond / (1000 / json.durationSeconds)).toBeCloseTo(1, 0)
    const { min, mean, p50, p90, p99, p999, max } = json.latencyMs
    expect(min).toBeGreaterThan(0)
    expect([min, p50, p90, p99, p999, max]).toEqual([min, p50, p90, p99, p999, max].toSorted((a, b) => a - b))
    expect(mean).toBeGreaterThanOrEqual(min)
    expect(mean).toBeLessThanOrEqual(max)
    expect(json.options).toMatchObject({
      host: '127.0.0.1',
      port: server.port,
      dialect: 'specification',
      engine: expect.stringMatching(/^(native|node)$/),
      connections: 3,
      window: 7,
      payloadSize: 25,
      duration: 10_000,
      warmup: 0,
      amount: 1000,
      timeout: 5000,
    })
    expect(json.environment).toMatchObject({
      node: process.version,
      v8: process.versions.v8,
      platform: process.platform,
      arch: process.arch,
      cpu: expect.any(String),
      cpus: expect.any(Number),
      memoryBytes: expect.any(Number),
    })

    const metrics = await server.scrape()
    expect(metrics.value('req_recv_total')).toBe(1000)
    expect(metrics.value('rsp_send_total')).toBe(1000)
    expect(metrics.value('connections_opened_total')).toBe(3)
    expect(metrics.value('received_bytes_total')).toBe(1000 * (13 + 25))
  })

  it('puts the summary on standard output, for a person', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['run', '--port', port, '--warmup', 0, ...SMALL])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toMatch(
      /^load +3 connections × 7 in flight, payloads of 25 bytes, engine (?:native|node), to 127\.0\.0\.1:\d+$/m,
    )
    expect(program.stdout).toMatch(/^requests +1,000$/m)
    expect(program.stdout).toMatch(/^acks +1,000$/m)
    expect(program.stdout).toMatch(/^throughput +[\d,]+ acks\/s$/m)
    for (const row of ['p50', 'p90', 'p99', 'p99.9', 'max']) {
      expect(program.stdout).toMatch(new RegExp(`^ +${row.replace('.', '\\.')} +[\\d.]+ ms$`, 'm'))
    }
    expect(program.stdout).not.toMatch(/unanswered|mismatched|errors|failed/)
    expect(program.stdout + program.stderr, 'nothing is drawn where there is no terminal').not.toContain('\x1b')
  })

  it('puts the summary on standard error when the JSON is on standard output', async () => {
    const { port } = await startDemoServer()
    const { stderr } = await runLoad(port, SMALL)
    expect(stderr).toMatch(/^throughput +[\d,]+ acks\/s$/m)
  })

  it('writes the JSON to a file, and the summary to standard output', async () => {
    const { port } = await startDemoServer()
    const file = join(temporaryFolder(), 'run.json')
    const program = startLoadgen(['run', '--port', port, '--warmup', 0, '--json', file, ...SMALL])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    const json = JSON.parse(readFileSync(file, 'utf8')) as RunJson
    expect(json).toMatchObject({ schemaVersion: 1, requests: 1000, acks: 1000 })
    expect(program.stdout).toMatch(/^throughput/m)
  })

  it('is what happens when no command is given', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, '--warmup', 0, '--json', '-', ...SMALL])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(readJson(program)).toMatchObject({ requests: 1000, acks: 1000 })
  })

  it('does not count the requests of the warm-up', async () => {
    const server = await startDemoServer()
    const program = startLoadgen(['run', '--port', server.port, '--warmup', '300ms', '--json', '-', ...SMALL])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(readJson(program)).toMatchObject({ requests: 1000, acks: 1000, unanswered: 0 })
    expect((await server.scrape()).value('req_recv_total')).toBeGreaterThan(1000)
  })

  it('does not take answers to the warm-up for those to an amount', async () => {
    const { port } = await startDemoServer()
    // When the warm-up ends, a thousand times more is in flight than is counted.
    const shape = ['--amount', 50, '--connections', 50, '--window', 1000, '--warmup', '300ms']
    const { json } = await runLoad(port, shape)
    expect(json).toMatchObject({ requests: 50, acks: 50 })
    expect(json.acksPerSecond / (50 / json.durationSeconds)).toBeCloseTo(1, 0)
  })

  it('sends for --duration, and waits for the last answers', async () => {
    const server = await startDemoServer()
    const { status, json } = await runLoad(server.port, ['--duration', '400ms', '--connections', 4, '--window', 50])
    expect(status).toBe(0)
    expect(json.durationSeconds).toBeGreaterThanOrEqual(0.39)
    expect(json.durationSeconds).toBeLessThan(2)
    expect(json.requests).toBeGreaterThan(200)
    expect(json.acks).toBe(json.requests)
    expect((await server.scrape()).value('req_recv_total')).toBe(json.requests)
  })

  it('sends payloads of --payload-size, also empty ones', async () => {
    const server = await startDemoServer()
    expect((await runLoad(server.port, ['--amount', 10, '--connections', 1, '--payload-size', 0])).status).toBe(0)
    expect((await server.scrape()).value('received_bytes_total')).toBe(10 * 13)
    expect((await runLoad(server.port, ['--amount', 10, '--connections', 1, '--payload-size', 5000])).status).toBe(0)
    expect((await server.scrape()).value('received_bytes_total')).toBe(10 * 13 + 10 * 5013)
  })

  it('speaks the dialect of the Go demo', async () => {
    const { port } = await startDemoServer(['--dialect', 'go-demo'])
    const { status, json } = await runLoad(port, ['--dialect', 'go-demo', ...SMALL])
    expect(status).toBe(0)
    expect(json).toMatchObject({ requests: 1000, acks: 1000, options: { dialect: 'go-demo' } })
  })

  it('has more connections than requests, if it must', async () => {
    const { port } = await startDemoServer()
    const { status, json } = await runLoad(port, ['--amount', 2, '--connections', 5])
    expect(status).toBe(0)
    expect(json).toMatchObject({ requests: 2, acks: 2 })
  })

  it('takes its flags from the environment, and prefers the command line', async () => {
    const { port } = await startDemoServer()
    const environment = {
      DEMO_LOADGEN_PORT: `${port}`,
      DEMO_LOADGEN_AMOUNT: '17',
      DEMO_LOADGEN_CONNECTIONS: '2',
      DEMO_LOADGEN_WARMUP: '0',
      DEMO_LOADGEN_JSON: '-',
    }
    const program = startLoadgen(['--connections', 3], { environment })
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(readJson(program)).toMatchObject({ requests: 17, acks: 17, options: { connections: 3, amount: 17 } })
  })
})

describe.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s', (signal) => {
  it('ends the run early: what was sent is waited for, and the result says so', async () => {
    const server = await startDemoServer()
    const load = ['--warmup', 0, '--duration', '10m', '--connections', 2, '--json', '-']
    const program = startLoadgen(['--port', server.port, ...load])
    await server.untilScraped('load', (metrics) => metrics.value('req_recv_total') > 10_000)
    program.signal(signal)
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    const json = readJson(program)
    expect(json).toMatchObject({ interrupted: true, interruptedBecause: signal, unanswered: 0 })
    expect(json.requests).toBe((await server.scrape()).value('req_recv_total'))
  })

  it('waits for the last answers, and a second one ends the program', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const load = ['--warmup', 0, '--amount', 10, '--connections', 1, '--timeout', '10m', '--json', '-']
    const program = startLoadgen(['--port', port, ...load])
    await program.until('it runs', () => (/^load: /m.test(program.stderr) ? true : undefined))
    program.signal(signal)
    await program.until('it drains', () => (/^drain: /m.test(program.stderr) ? true : undefined))
    program.signal('SIGTERM')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toBe('')
  })
})

describe('SIGINT', () => {
  it('ends the run early: what was sent is waited for, and the summary printed', async () => {
    const server = await startDemoServer()
    const program = startLoadgen(['--port', server.port, '--warmup', 0, '--duration', '10m', '--connections', 2])
    await server.untilScraped('load', (metrics) => metrics.value('req_recv_total') > 10_000)
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    const [, requests] = /^requests +([\d,]+)$/m.exec(program.stdout) ?? []
    const [, acks] = /^acks +([\d,]+)$/m.exec(program.stdout) ?? []
    expect(acks).toBe(requests)
    expect(Number(requests?.replaceAll(',', ''))).toBe((await server.scrape()).value('req_recv_total'))
  })

  it('ends the warm-up too', async () => {
    const server = await startDemoServer()
    const program = startLoadgen(['--port', server.port, '--warmup', '10m', '--connections', 2])
    await server.untilScraped('load', (metrics) => metrics.value('req_recv_total') > 10_000)
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toMatch(/^requests +0$/m)
    expect(program.stdout).toMatch(/^nothing +interrupted before anything was counted$/m)
    expect(program.stdout, 'what the warm-up sent is no trouble').not.toMatch(/unanswered|timed out|unsent/)
  })

  it.each([1, 2])('ends the ramp of %i workers, though the next connection is far off', async (workers) => {
    const server = await startDemoServer()
    const ramp = ['--connect-rate', 0.01, '--connections', 4, '--workers', workers]
    const program = startLoadgen(['--port', server.port, ...ramp])
    await server.untilScraped('a connection', (metrics) => metrics.value('connections_opened_total') === 1)
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toMatch(/^nothing +interrupted before anything was counted$/m)
  })

  it('ends the ramp while a server takes no credentials', async () => {
    const token = join(temporaryFolder(), 'token')
    writeFileSync(token, 'a-secret')
    let asked = false
    const port = await startOddServer((socket) => socket.on('data', () => (asked = true)))
    const program = startLoadgen(['--port', port, '--connections', 1, '--token-file', token, '--timeout', '10m'])
    await waitFor(
      () => asked,
      () => 'for the credentials',
    )
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toMatch(/^nothing +interrupted before anything was counted$/m)
  })
})

describe('demo-loadgen --help and --version', () => {
  it.each([
    { args: ['--help'], texts: ['run', 'simulate', 'DEMO_LOADGEN_PORT', 'Exit status'] },
    {
      args: ['run', '--help'],
      texts: [
        '--host',
        '--port',
        '--dialect',
        '--connections',
        '--window',
        '--payload-size',
        '--duration',
        '--warmup',
      ].concat(['--amount', '--timeout', '--json', '8888', '10s']),
    },
    { args: ['simulate', '--help'], texts: ['--clients', '--submits', '--interval', '1s'] },
  ])('prints the flags on standard output: $args', async ({ args, texts }) => {
    const program = startLoadgen(args)
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    for (const text of texts) expect(program.stdout).toContain(text)
    expect(program.stderr).toBe('')
  })

  it('prints the version on standard output', async () => {
    const program = startLoadgen(['--version'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toBe(`${manifest.version}\n`)
  })
})
