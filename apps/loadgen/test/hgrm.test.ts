import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { readJson, startLoadgen } from './demo-loadgen.ts'

/**
 * Reads a file as HdrHistogram's plotter does (plotFiles.html, `appendDataSeries`): it skips a heading, takes four
 * columns of each line, and leaves lines that begin with `#`.
 */
function readHgrm(text: string): number[][] {
  const [heading, ...lines] = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  expect(heading.trim().split(/\s+/)).toEqual(['Value', 'Percentile', 'TotalCount', '1/(1-Percentile)'])
  return lines.map((line) => line.trim().split(/\s+/).map(Number))
}

describe('--hgrm', () => {
  it('writes the percentile distribution in milliseconds, as the plotter reads it', async () => {
    const { port } = await startDemoServer()
    const file = join(temporaryFolder(), 'run.hgrm')
    const load = ['--warmup', 0, '--amount', 5000, '--connections', 2, '--window', 5, '--json', '-']
    const program = startLoadgen(['--port', port, ...load, '--hgrm', file])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    const { latencyMs } = readJson(program)

    const text = readFileSync(file, 'utf8')
    const rows = readHgrm(text)
    expect(rows.length).toBeGreaterThan(20)
    for (const [value, percentile, total, reciprocal = Number.POSITIVE_INFINITY] of rows) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(reciprocal).toBeCloseTo(1 / (1 - percentile), 1)
      expect(total / 5000).toBeGreaterThanOrEqual(percentile - 1e-9)
    }
    expect(rows.at(-1)?.slice(1, 3)).toEqual([1, 5000])
    expect(Math.abs((rows.at(-1)?.[0] ?? 0) / latencyMs.max - 1)).toBeLessThan(0.01)
    const half = rows.find(([, percentile]) => percentile >= 0.5)?.[0] ?? 0
    expect(Math.abs(half / latencyMs.p50 - 1)).toBeLessThan(0.02)
    expect(text).toMatch(/^#\[Mean +=.*StdDeviation +=/m)
    expect(text).toMatch(/^#\[Max +=.*Total count +=\s+5000\]/m)
    expect(text).toMatch(/^#\[Buckets +=.*SubBuckets +=/m)
  })

  it('writes no service time in the closed model: it is the same', async () => {
    const { port } = await startDemoServer()
    const folder = temporaryFolder()
    const program = startLoadgen(['--port', port, '--warmup', 0, '--amount', 10, '--hgrm', join(folder, 'run.hgrm')])
    await program.exit()
    expect(existsSync(join(folder, 'run.service.hgrm'))).toBe(false)
  })
})
