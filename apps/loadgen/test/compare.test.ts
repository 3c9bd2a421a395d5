import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seeded } from '@demo/testkit/random'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, it } from 'vitest'
import { type CompareOptions, compare } from '../src/analysis/compare.ts'
import { findMetric } from '../src/analysis/metrics.ts'
import { EMPTY_SUMMARY } from '../src/engine/distribution.ts'
import type { RunFigures } from '../src/run/result.ts'
import { startLoadgen } from './demo-loadgen.ts'
import { flat, makeRun } from './runs.ts'

const OPTIONS: CompareOptions = {
  metrics: ['acksPerSecond', 'p50', 'p90', 'p99', 'p999'].map(findMetric),
  risk: 0.05,
  relativeFloor: 0.05,
  wideFloor: 0.25,
  absoluteFloor: 0.01,
}

/** Runs of a build, uniformly distributed around the middle. */
function runsOf(count: number, acksPerSecond: number, spread: number, random: () => number): RunFigures[] {
  return Array.from({ length: count }, () => {
    const factor = 1 + spread * (2 * random() - 1)
    return makeRun({ acksPerSecond: acksPerSecond * factor, latencyMs: flat(1000 / (acksPerSecond * factor)) })
  })
}

describe('compare', () => {
  it('sees a slowdown of 10 % through the noise of runs, as worse', () => {
    const random = seeded(1)
    const { verdict, rows, enough } = compare(runsOf(8, 1000, 0.05, random), runsOf(8, 900, 0.05, random), OPTIONS)
    expect({ verdict, enough }).toEqual({ verdict: 'worse', enough: true })
    expect(rows.map(({ metric, verdict: one }) => [metric.name, one])).toEqual([
      ['acksPerSecond', 'worse'],
      ['p50', 'worse'],
      ['p90', 'worse'],
      ['p99', 'worse'],
      ['p999', 'worse'],
    ])
    expect(rows[0]?.change).toBeCloseTo(-0.1, 1)
    expect(rows[0]?.before.noise).toBeGreaterThan(0)
  })

  it('finds it in interleaved runs on a machine that is slow for minutes, and only if they are interleaved', () => {
    const random = seeded(2)
    const machine = Array.from({ length: 12 }, () => 0.6 + 0.8 * random())
    const runs = (rate: number) => machine.flatMap((speed) => runsOf(1, rate * speed, 0.03, random))
    const [before, after] = [runs(1000), runs(900)]
    expect(compare(before, after, OPTIONS).verdict).toBe('no difference seen')
    const { verdict, rows, paired } = compare(before, after, OPTIONS, true)
    expect({ verdict, paired }).toEqual({ verdict: 'worse', paired: true })
    expect(rows[0]?.change).toBeCloseTo(-0.1, 1)
  })

  it('finds no difference between interleaved runs of the same build, nearly always', () => {
    const random = seeded(6)
    let alarms = 0
    for (let pair = 0; pair < 300; pair += 1) {
      const [before, after] = [runsOf(10, 1000, 0.15, random), runsOf(10, 1000, 0.15, random)]
      if (compare(before, after, OPTIONS, true).verdict !== 'no difference seen') alarms += 1
    }
    expect(alarms).toBeLessThanOrEqual(15)
  })

  it('does not pair if there are too few pairs, or a value is 0', () => {
    const random = seeded(1)
    const few = compare(runsOf(5, 1000, 0.01, random), runsOf(5, 800, 0.01, random), OPTIONS, true)
    expect(few).toMatchObject({ verdict: 'worse', enough: true, paired: false })
    const idle = Array.from({ length: 12 }, () => makeRun({ acksPerSecond: 0 }))
    const { rows } = compare(idle, runsOf(12, 1000, 0.01, random), OPTIONS, true)
    expect(rows[0]).toMatchObject({ change: null, verdict: 'better' })
  })

  it('and the other way round as better', () => {
    const random = seeded(1)
    const { verdict } = compare(runsOf(8, 900, 0.05, random), runsOf(8, 1000, 0.05, random), OPTIONS)
    expect(verdict).toBe('better')
  })

  it('sees no difference between runs of the same build, nearly always', () => {
    const random = seeded(5)
    let alarms = 0
    for (let pair = 0; pair < 300; pair += 1) {
      const { verdict } = compare(runsOf(8, 1000, 0.15, random), runsOf(8, 1000, 0.15, random), OPTIONS)
      if (verdict !== 'no difference seen') alarms += 1
    }
    expect(alarms).toBeLessThanOrEqual(15)
  })

  it('sees no difference below the relative floor, however sure it is', () => {
    const random = seeded(1)
    const { verdict, rows } = compare(runsOf(20, 1000, 0.001, random), runsOf(20, 960, 0.001, random), OPTIONS)
    expect(rows[0]?.p).toBeLessThan(0.001)
    expect(verdict).toBe('no difference seen')
  })

  it('sees no difference of a time below the absolute floor', () => {
    const at = (ms: number) => Array.from({ length: 8 }, () => makeRun({ latencyMs: flat(ms) }))
    expect(compare(at(0.02), at(0.029), OPTIONS).verdict).toBe('no difference seen')
    expect(compare(at(0.02), at(0.029), { ...OPTIONS, absoluteFloor: 0.001 }).verdict).toBe('worse')
  })

  it('sees a difference between single runs only beyond the wide floor', () => {
    const one = (acksPerSecond: number) => [makeRun({ acksPerSecond })]
    expect(compare(one(1000), one(800), OPTIONS)).toMatchObject({ verdict: 'no difference seen', enough: false })
    expect(compare(one(1000), one(740), OPTIONS)).toMatchObject({ verdict: 'worse', enough: false })
    expect(compare(one(1000), one(1300), OPTIONS)).toMatchObject({ verdict: 'better', enough: false })
  })

  it('sees no difference between few runs that overlap, even beyond the wide floor', () => {
    const runs = (rates: number[]) => rates.map((acksPerSecond) => makeRun({ acksPerSecond }))
    expect(compare(runs([1000, 990, 400]), runs([500, 510, 480]), OPTIONS).verdict).toBe('no difference seen')
  })

  it('is worse where something is worse, whatever is better', () => {
    const runs = (acksPerSecond: number, p99: number) =>
      Array.from({ length: 8 }, () => makeRun({ acksPerSecond, latencyMs: { ...flat(1), p99 } }))
    const { verdict, rows } = compare(runs(1000, 2), runs(2000, 4), OPTIONS)
    expect(verdict).toBe('worse')
    expect(rows.find(({ metric }) => metric.name === 'acksPerSecond')?.verdict).toBe('better')
    expect(rows.find(({ metric }) => metric.name === 'p50')?.verdict).toBe('no difference seen')
  })

  it('reports lost requests, and no failures that did not occur', () => {
    const before = Array.from({ length: 8 }, () => makeRun())
    const after = before.map((run, i) => (i === 3 ? makeRun({ unanswered: 1, acks: 999 }) : run))
    const { verdict, rows } = compare(before, after, OPTIONS)
    expect(verdict).toBe('worse')
    expect(rows.filter(({ verdict: one }) => one === 'worse').map(({ metric }) => metric.name)).toEqual(['unanswered'])
    expect(compare(after, before, OPTIONS).verdict).toBe('better')
    expect(compare(after, after, OPTIONS).verdict).toBe('no difference seen')
  })
})

const ENVIRONMENT = { node: 'v20.19.0', cpus: 2 }

/** A file of run --json, with the parts that compare reads. */
function writeRuns(runs: readonly RunFigures[], changes: object = {}): string {
  const folder = temporaryFolder()
  const file = join(folder, 'run.json')
  const repeats = runs.length > 1 ? { repeats: runs } : {}
  const options = { port: 1, window: 1000 }
  writeFileSync(
    file,
    JSON.stringify({ schemaVersion: 1, ...runs[0], ...repeats, options, environment: ENVIRONMENT, ...changes }),
  )
  return file
}

describe('compare where there is nothing', () => {
  const nothing = { acks: 0, acksPerSecond: 0, latencyMs: EMPTY_SUMMARY, serviceTimeMs: EMPTY_SUMMARY }
  const dead = makeRun({ ...nothing, unanswered: 1000, overdue: 1000 })
  const empty = makeRun({ ...nothing, requests: 0, interrupted: true, interruptedBecause: 'SIGINT' })
  const verdicts = (before: RunFigures[], after: RunFigures[]) => {
    const { verdict, rows } = compare(before, after, OPTIONS)
    return { verdict, rows: rows.map((row) => row.verdict) }
  }
  const none = 'nothing to compare'

  it('says so: no side has an answer', () => {
    const { verdict, rows } = verdicts([dead], [dead])
    expect(verdict).toBe(none)
    expect(rows.slice(0, 5)).toEqual(['no difference seen', none, none, none, none])
  })

  it('says so: a run was interrupted before it counted anything', () => {
    expect(verdicts([makeRun()], [empty])).toEqual({ verdict: none, rows: Array(5).fill(none) })
    expect(verdicts([empty], [makeRun()])).toEqual({ verdict: none, rows: Array(5).fill(none) })
    expect(verdicts([makeRun(), empty], [makeRun(), makeRun()]).verdict).toBe(none)
  })

  it('is worse if a server has stopped answering', () => {
    expect(verdicts([makeRun()], [dead]).verdict).toBe('worse')
  })

  it('sees rates below 1 a second', () => {
    const runs = (acksPerSecond: number) => [makeRun({ acksPerSecond })]
    expect(verdicts(runs(0.5), runs(0.2)).rows[0]).toBe('worse')
    expect(compare(runs(0.5), runs(0.2), OPTIONS).rows[0]?.change).toBeCloseTo(-0.6)
  })
})

describe('demo-loadgen compare', () => {
  const steady = (acksPerSecond: number) =>
    Array.from({ length: 8 }, (_, i) => makeRun({ acksPerSecond: acksPerSecond + i }))

  it('reports a regression in a table and in words, with exit status 99', async () => {
    const program = startLoadgen(['compare', writeRuns(steady(1000)), writeRuns(steady(900))])
    expect(await program.exit()).toEqual({ status: 99, signal: null })
    expect(program.stderr).toBe('')
    expect(program.stdout).toMatch(/^ +before +after +change +p +verdict$/m)
    expect(program.stdout).toMatch(
      /^acksPerSecond +1,00\d\/s ± 0\.\d % +903.*\/s ± 0\.\d % +−10\.0 % +<0\.001 +worse$/m,
    )
    expect(program.stdout).toMatch(/^p99 .* 0\.0 % +1\.000 +no difference seen$/m)
    expect(program.stdout).toMatch(/^medians of 8 and 8 runs; /m)
    expect(program.stdout).toMatch(/^verdict: worse \(acksPerSecond −10\.0 %\)$/m)
  })

  it.each([
    { name: 'better', after: 1100, expected: /^verdict: better \(acksPerSecond \+10\.0 %\)$/m },
    { name: 'no difference', after: 1000, expected: /^verdict: no difference seen$/m },
  ])('has exit status 0 when it is $name', async ({ after, expected }) => {
    const program = startLoadgen(['compare', writeRuns(steady(1000)), writeRuns(steady(after))])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toMatch(expected)
  })

  it('says that single runs are too few for statistics, and what to do', async () => {
    const one = (acksPerSecond: number) => writeRuns([makeRun({ acksPerSecond })])
    const program = startLoadgen(['compare', one(1000), one(900)])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toMatch(
      /^medians of 1 and 1 runs: too few for statistics, so only a difference above 25 % counts; see --repeat$/m,
    )
    expect(program.stdout).not.toContain('±')
  })

  it('takes runs of several files as those of one build, so that they can be made in turns', async () => {
    const files = (flag: string, acksPerSecond: number) =>
      Array.from({ length: 6 }, (_, i) => [flag, writeRuns([makeRun({ acksPerSecond: acksPerSecond + i })])]).flat()
    const program = startLoadgen(['compare', ...files('--before', 1000), ...files('--after', 800)])
    expect(await program.exit()).toEqual({ status: 99, signal: null })
    expect(program.stdout).toMatch(/^medians of 6 and 6 runs; /m)
  })

  it('compares interleaved runs with their neighbours, in whatever order they are given', async () => {
    const file = (flag: string, acksPerSecond: number, second: number) => [
      flag,
      writeRuns([makeRun({ acksPerSecond })], { startedAt: new Date(1e12 + second * 1000).toISOString() }),
    ]
    // The order alternates, and the machine gets faster from minute to minute.
    const pairs = Array.from({ length: 8 }, (_, i) => [
      file('--before', 1000 * 1.3 ** i, 2 * i + (i % 2)),
      file('--after', 900 * 1.3 ** i, 2 * i + 1 - (i % 2)),
    ])
    const program = startLoadgen(['compare', ...pairs.reverse().flat(2)])
    expect(await program.exit()).toEqual({ status: 99, signal: null })
    expect(program.stdout).toMatch(/^medians of 8 pairs of interleaved runs, and the median change; /m)
    expect(program.stdout).toMatch(/^verdict: worse \(acksPerSecond −10\.0 %\)$/m)
  })

  it('compares the given metrics, by the given floors', async () => {
    const files = [writeRuns(steady(1000)), writeRuns(steady(900))]
    const blind = startLoadgen(['compare', ...files, '--metric', 'service.p99,mean'])
    expect(await blind.exit()).toEqual({ status: 0, signal: null })
    expect(blind.stdout).not.toContain('acksPerSecond')
    expect(blind.stdout).toMatch(/^service\.p99 /m)
    const coarse = startLoadgen(['compare', ...files, '--relative-floor', '20%'])
    expect(await coarse.exit()).toEqual({ status: 0, signal: null })
  })

  it('warns when the load or the machine was another, but not when only the port was', async () => {
    const before = writeRuns(steady(1000))
    const load = writeRuns(steady(1000), {
      options: { port: 2, window: 100, payloadSize: 25 },
      environment: { ...ENVIRONMENT, node: 'v22.0.0' },
    })
    const program = startLoadgen(['compare', before, load])
    await program.exit()
    expect(program.stdout.split('\n').filter((line) => line.startsWith('warning: '))).toEqual([
      'warning: the load differs: --window was 1000, then 100',
      'warning: the load differs: --payload-size was not set, then 25',
      'warning: the machine differs: node was "v20.19.0", then "v22.0.0"',
    ])
    const same = startLoadgen(['compare', before, writeRuns(steady(1000), { options: { port: 2, window: 1000 } })])
    await same.exit()
    expect(same.stdout).not.toContain('warning')
  })

  it('warns when the engine was another, and results of older programs are of node', async () => {
    const [old, node, native] = [undefined, 'node', 'native'].map((engine) =>
      writeRuns(steady(1000), { options: { window: 1000, ...(engine === undefined ? {} : { engine }) } }),
    )
    const warnings = async (before = '', after = '') => {
      const program = startLoadgen(['compare', before, after])
      await program.exit()
      return program.stdout.split('\n').filter((line) => line.startsWith('warning: '))
    }
    const expected = ['warning: the load differs: --engine was "node", then "native"']
    expect(await warnings(node, native)).toEqual(expected)
    expect(await warnings(old, native)).toEqual(expected)
    expect(await warnings(old, node)).toEqual([])
  })

  it('says that there is nothing to compare, with exit status 1, and which run was interrupted', async () => {
    const whole = writeRuns([makeRun()])
    const cut = writeRuns([
      makeRun({
        ...{ requests: 0, acks: 0, acksPerSecond: 0, latencyMs: EMPTY_SUMMARY, serviceTimeMs: EMPTY_SUMMARY },
        ...{ interrupted: true, interruptedBecause: 'SIGINT' },
      }),
    ])
    const program = startLoadgen(['compare', whole, cut])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toMatch(/^warning: .*run\.json: the run was interrupted \(SIGINT\); /m)
    expect(program.stdout).toMatch(/^p99 +2 ms +– +– +nothing to compare$/m)
    expect(program.stdout).toMatch(
      /^verdict: nothing to compare \(no acksPerSecond after, no p50 after, no p99 after\)$/m,
    )
  })

  it('reads the zeros of older results without answers as missing figures', async () => {
    const zeros = writeRuns([makeRun({ acks: 0, latencyMs: flat(0), serviceTimeMs: flat(0), unanswered: 1000 })])
    const program = startLoadgen(['compare', zeros, zeros])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toMatch(/^p99 +– +– +– +nothing to compare$/m)
  })

  it('compares any percentile that the results have', async () => {
    const run = (ms: number) =>
      writeRuns([
        makeRun({ percentilesMs: { latencyMs: { '99.99': ms }, serviceTimeMs: { '99.99': 1 }, scheduleLagMs: null } }),
      ])
    const program = startLoadgen(['compare', run(10), run(20), '--metric', 'p99.99'])
    expect(await program.exit()).toEqual({ status: 99, signal: null })
    expect(program.stdout).toMatch(/^p99\.99 +10 ms +20 ms +\+100\.0 % +worse$/m)
  })

  it('warns when a generator was saturated', async () => {
    const program = startLoadgen(['compare', writeRuns(steady(1000)), writeRuns([makeRun({ saturated: true })])])
    await program.exit()
    expect(program.stdout).toMatch(/^warning: .*run\.json: the generator was saturated/m)
  })

  it.each([
    {
      name: 'another schema version',
      args: () => [writeRuns([makeRun()], { schemaVersion: 2 })],
      expected: /schemaVersion is 2; expected 1/,
    },
    {
      name: 'no schema version',
      args: () => [writeRuns([makeRun()], { schemaVersion: undefined })],
      expected: /no schemaVersion/,
    },
    {
      name: 'no results',
      args: () => [writeRuns([], { options: undefined })],
      expected: /expected the result of a run/,
    },
    {
      name: 'figures missing',
      args: () => [writeRuns([makeRun()], { latencyMs: undefined })],
      expected: /it has no p50/,
    },
    {
      name: 'no runs',
      args: () => [writeRuns([makeRun()], { repeats: [] })],
      expected: /expected the result of a run/,
    },
    {
      name: 'runs that are none',
      args: () => [writeRuns([makeRun()], { repeats: [null] })],
      expected: /it has no acksPerSecond/,
    },
    {
      name: 'no JSON',
      args: () => [import.meta.filename],
      expected: /compare\.test\.ts: expected JSON written by demo-loadgen run --json/,
    },
    {
      name: 'no such file',
      args: () => ['/no/such/run.json'],
      expected: /\/no\/such\/run\.json.*ENOENT|ENOENT.*\/no\/such\/run\.json/,
    },
    { name: 'an unknown metric', args: () => [writeRuns([makeRun()]), '--metric', 'q98'], expected: /no metric 'q98'/ },
    {
      name: 'a percentile that the file does not have',
      args: () => [writeRuns([makeRun()]), '--metric', 'p95'],
      expected: /it has no p95; make the run again with --percentiles 95/,
    },
    {
      name: 'a floor that is none',
      args: () => [writeRuns([makeRun()]), '--relative-floor', '5'],
      expected: /a share like 5%/,
    },
    { name: 'a risk that is certain', args: () => [writeRuns([makeRun()]), '--risk', '100%'], expected: /below 100%/ },
  ])('refuses $name with one line and exit status 2', async ({ args, expected }) => {
    const program = startLoadgen(['compare', writeRuns([makeRun()]), ...args()])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stdout).toBe('')
    expect(program.stderrLines).toEqual([expect.stringMatching(expected)])
  })

  it.each([{ count: 0 }, { count: 1 }, { count: 3 }])('refuses $count files', async ({ count }) => {
    const files = Array.from({ length: count }, () => writeRuns([makeRun()]))
    const program = startLoadgen(['compare', ...files])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringContaining('demo-loadgen compare before.json after.json')])
  })
})
