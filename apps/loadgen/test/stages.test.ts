import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { readJson, runLoad, startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

const good = (id: string) => `0000000e82${id}00`

describe('--stage', () => {
  it.each([1, 2])('ramps the rate, for as long as all stages, with %i workers', async (workers) => {
    const { port } = await startDemoServer()
    const stages = ['--stage', '1s:1k', '--stage', '500ms:1k', '--stage', '500ms:0']
    const { json } = await runLoad(port, [...stages, '--connections', 4, '--workers', workers])
    // 500, 500 and 250 are under the line.
    expect(json).toMatchObject({ requests: 1250, acks: 1250, unsent: 0 })
    expect(json.durationSeconds).toBeGreaterThan(1.99)
    const dueIn = (from: number, to: number) =>
      json.slices
        .filter(({ atSeconds }) => atSeconds >= from && atSeconds < to)
        .reduce((sum, { due }) => sum + (due ?? 0), 0)
    expect(dueIn(0, 0.5)).toBeLessThan(dueIn(0.5, 1))
    expect(dueIn(0.5, 1)).toBeLessThan(dueIn(1, 1.5))
    expect(json.options['stage']).toHaveLength(3)
  })

  it('begins at --rate, which the warm-up has too', async () => {
    const server = await startDemoServer()
    const args = ['--rate', 400, '--stage', '1s:800', '--warmup', '500ms', '--connections', 2, '--json', '-']
    const program = startLoadgen(['--port', server.port, ...args])
    await program.exit()
    const json = readJson(program)
    expect(json.requests + json.unsent).toBe(600)
    const { requests } = json
    expect((await server.scrape()).value('req_recv_total')).toBeGreaterThan(requests + 100)
    expect(program.stderr).toContain('400 → 800 requests/s')
  })
})

describe('--abort-on-fail', () => {
  it.each([
    { name: 'a count, at once', threshold: 'failedAcks<5', most: 3 },
    { name: 'a time, after a grace', threshold: 'p99<10ms', most: 8 },
    { name: 'a time that needs a percentile of its own', threshold: 'p95<10ms', most: 8 },
  ])('ends a run that crosses $name', async ({ threshold, most }) => {
    const port = await startOddServer((socket) => {
      answering((id, number) => {
        if (threshold.startsWith('failed')) return number % 10 === 0 ? `0000000e82${id}01` : good(id)
        setTimeout(() => socket.write(Buffer.from(good(id), 'hex')), 50)
        return ''
      })(socket)
    })
    const load = ['--window', 4, '--duration', '10m', '--connections', 2, '--threshold', threshold, '--abort-on-fail']
    const { status, json } = await runLoad(port, load)
    // A request that failed makes it 1 whatever the thresholds say.
    expect(status).toBe(threshold.startsWith('failed') ? 1 : 99)
    expect(json.interrupted).toBe(true)
    expect(json.interruptedBecause).toContain(`--abort-on-fail: ${threshold} is crossed: it is `)
    expect(json.durationSeconds).toBeLessThan(most)
    expect(json.unanswered).toBe(0)
  })

  it('leaves a run alone that only has not come far yet, or crosses nothing', async () => {
    const { port } = await startDemoServer()
    const load = ['--rate', 200, '--duration', '4s', '--connections', 2, '--abort-on-fail']
    const thresholds = ['--threshold', 'acks>=800', '--threshold', 'errors==0', '--threshold', 'p99<5s']
    const { json } = await runLoad(port, [...load, ...thresholds])
    expect(json).toMatchObject({ interrupted: false, interruptedBecause: null, acks: 800 })
  })
})
