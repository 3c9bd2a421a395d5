import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { readJson, runLoad, startLoadgen } from './demo-loadgen.ts'
import { elementAt } from './element-at.ts'
import { answering, startOddServer } from './odd-server.ts'

const good = (id: string) => `0000000e82${id}00`

/** Kills a server under load, and starts another one in its place as soon as its connections are lost. */
async function killAndReplace(args: readonly (string | number)[]) {
  const server = await startDemoServer()
  const program = startLoadgen(['--port', server.port, '--warmup', 0, '--json', '-', '--metrics-port', 0, ...args])
  const { 1: metricsPort } = await program.until(
    'its metrics',
    () => /metrics: .*:(\d+)\//.exec(program.stderr) ?? undefined,
  )
  await server.untilScraped('load', (metrics) => metrics.value('req_recv_total') > 200)
  server.program.signal('SIGKILL')
  await server.program.exit()
  await untilLost(Number(metricsPort))
  const next = await startDemoServer(['--port', String(server.port)])
  return { program, next }
}

/** Waits until the generator has seen that its connections are lost. */
async function untilLost(metricsPort: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    if (/^demo_loadgen_connections 0$/m.test(text)) return
  }
}

describe('a server that is killed and comes back', () => {
  it('is an outage in the result of the open model, and requests that were due in it count', async () => {
    const { program, next } = await killAndReplace(['--rate', 1000, '--duration', '3s', '--connections', 4])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const json = readJson(program)
    expect(json.requests + json.unsent).toBe(3000)
    expect(json.durationSeconds).toBeGreaterThan(2.99)
    expect(json.errors).toBe(4)
    expect(json.outages).toMatchObject([{ connections: 4 }])
    expect(json.outageSeconds).toBe(json.outages[0]?.seconds)
    expect(json.outageSeconds).toBeGreaterThan(0.05)
    // What was due in the outage was sent when it was over, and waited for it.
    expect(json.latencyMs.max).toBeGreaterThan(json.outageSeconds * 900)
    expect(json.acks).toBe(json.requests - json.lost)
    expect(json.acks).toBeGreaterThan(2000)
    expect(json.acksPerSecond).toBeCloseTo(json.acks / json.durationSeconds, -1)
    expect((await next.scrape()).value('connections_opened_total')).toBe(4)
    const down = json.slices.filter(({ connectionsDown }) => connectionsDown > 0)
    expect(down.length).toBeGreaterThan(0)
    expect(json.slices.reduce((sum, { due }) => sum + (due ?? 0), 0)).toBe(3000)
  })

  it('is time without answers in the closed model', async () => {
    const { program } = await killAndReplace(['--duration', '3s', '--connections', 2, '--window', 1])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const json = readJson(program)
    expect(json.durationSeconds).toBeGreaterThan(2.99)
    expect(json).toMatchObject({ errors: 2, outages: [{ connections: 2 }], unsent: 0 })
    expect(json.lost).toBeLessThanOrEqual(2)
    const answered = json.slices.filter(({ acks }) => acks > 0)
    const { atSeconds, seconds } = elementAt(json.outages, 0)
    expect(answered.at(-1)?.atSeconds, 'it goes on after the outage').toBeGreaterThan(atSeconds + seconds)
  })

  it('gets the rest of an amount', async () => {
    const { program } = await killAndReplace(['--rate', 500, '--amount', 1000, '--connections', 2, '--workers', 2])
    await program.exit()
    const json = readJson(program)
    expect(json).toMatchObject({ requests: 1000, errors: 2, interrupted: false })
    expect(json.acks).toBe(1000 - json.lost)
    expect(json.outages.length).toBeGreaterThan(0)
  })
})

describe('connections that are lost', () => {
  it('are made again with more and more time between, where they are lost at once each time', async () => {
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      socket.destroy()
    })
    const { status, json } = await runLoad(port, ['--rate', 100, '--duration', '1s', '--connections', 1])
    expect(status).toBe(1)
    // 20, 40, 80, 160, 320, 640 ms, or half of each: without that it would be thousands.
    expect(connections).toBeGreaterThan(3)
    expect(connections).toBeLessThan(12)
    expect(json.errors).toBe(connections)
    expect(json.durationSeconds).toBeGreaterThan(0.99)
  })

  it('stay lost with --no-reconnect, and the run goes on for its time', async () => {
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      answering((id, number) => {
        if (number === 5) socket.destroy()
        return good(id)
      })(socket)
    })
    const shape = ['--rate', 200, '--duration', '1s', '--connections', 2, '--no-reconnect']
    const { status, json } = await runLoad(port, shape)
    expect(status).toBe(1)
    expect(connections).toBe(2)
    expect(json.durationSeconds).toBeGreaterThan(0.99)
    expect(json.requests + json.unsent).toBe(200)
    expect(json.unsent, 'what the server can not take').toBeGreaterThan(150)
    expect(json).toMatchObject({ errors: 2, notReached: 0, outages: [{ connections: 2 }] })
    expect(json.neverAnswered).toBe(json.unanswered + json.unsent)
  })

  it('fail a run at once when the first of all is refused', async () => {
    const server = await startDemoServer()
    server.program.signal('SIGKILL')
    await server.program.exit()
    const began = performance.now()
    const program = startLoadgen(['--port', server.port, '--duration', '10m'])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(performance.now() - began).toBeLessThan(5000)
    expect(program.stderr).toContain('ECONNREFUSED')
  })
})

describe('an amount that can not be reached', () => {
  it('is given up when nothing is answered for the timeout, and says so', async () => {
    const port = await startOddServer((socket) => {
      answering((id) => {
        setTimeout(() => socket.write(Buffer.from(good(id), 'hex')), 400)
        return ''
      })(socket)
    })
    const shape = ['--amount', 100, '--timeout', '100ms', '--connections', 2, '--window', 10]
    const { status, json } = await runLoad(port, shape)
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 20, interrupted: true })
    expect(json.interruptedBecause).toBe('nothing was answered for 100 ms (--timeout): 20 of 100 requests were sent')
  })

  it('is given up when all connections are lost for good', async () => {
    const port = await startOddServer((socket) => socket.destroy())
    const { status, json } = await runLoad(port, [
      '--amount',
      100,
      '--connections',
      2,
      '--window',
      10,
      '--no-reconnect',
    ])
    expect(status).toBe(1)
    expect(json.interruptedBecause).toMatch(/^all connections were lost: \d+ of 100 requests were sent$/)
  })
})

describe('requests that were never answered', () => {
  /** Each twentieth is not answered. */
  const forgetful = () => startOddServer(answering((id, number) => (number % 20 === 0 ? '' : good(id))))

  it.each([
    { model: 'open', shape: ['--rate', 1000, '--amount', 1000, '--connections', 2] },
    { model: 'closed', shape: ['--amount', 1000, '--window', 100, '--connections', 1] },
  ])('are in the percentiles, as the timeout at least: $model', async ({ shape }) => {
    const load = ['--timeout', '400ms', '--threshold', 'p99<50ms', ...shape]
    const { status, json } = await runLoad(await forgetful(), load)
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 1000, acks: 950, unanswered: 50, overdue: 50, neverAnswered: 50 })
    expect(json.latencyMs.p99).toBeGreaterThan(399)
    expect(json.serviceTimeMs.p99).toBeGreaterThan(399)
    expect(json.latencyMs.p90).toBeLessThan(399)
  })

  it('count as long as they waited where there is no timeout', async () => {
    const port = await startOddServer(answering((id, number) => (number === 10 ? '' : good(id))))
    const load = ['--rate', 200, '--duration', '500ms', '--connections', 1, '--timeout', 0]
    const program = startLoadgen(['--port', port, '--warmup', 0, '--json', '-', ...load])
    await program.until('it drains', () => (/^drain: /m.test(program.stderr) ? true : undefined))
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const json = readJson(program)
    expect(json).toMatchObject({
      unanswered: 1,
      overdue: 1,
      neverAnswered: 1,
      interrupted: true,
      interruptedBecause: 'SIGINT',
    })
    // It was due at 45 ms of 500.
    expect(json.latencyMs.max).toBeGreaterThan(450)
  })

  it('count though they were never sent, however many they are', async () => {
    // Only the first request of each connection is answered: then its window is full.
    const port = await startOddServer(answering((id, number) => (number === 1 ? good(id) : '')))
    const shape = ['--rate', 1000, '--duration', '200ms', '--connections', 2, '--window', 5, '--timeout', '200ms']
    const { json } = await runLoad(port, shape)
    expect(json).toMatchObject({ acks: 2, unanswered: 10, unsent: 188, neverAnswered: 198 })
    expect(json.latencyMs.p50).toBeGreaterThan(199)
    expect(json.latencyMs.p90).toBeGreaterThan(199)
    expect(json.serviceTimeMs.max).toBeGreaterThan(199)
  })
})
