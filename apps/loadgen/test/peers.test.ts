import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, it } from 'vitest'
import { PEERS } from '../bench/peers/catalogue.ts'
import { drawChart } from '../bench/peers/chart.ts'
import { formatRate, wrap } from '../bench/peers/format.ts'
import { isInstalled } from '../bench/peers/prepare.ts'
import { readSamples, type Sample } from '../bench/peers/sample.ts'
import { replaceSection } from '../bench/peers/section.ts'
import { rateTable, standingTable } from '../bench/peers/table.ts'
import { PATIENCE_FOR_BENCH, runBench } from './bench.ts'

const DOCUMENT = '# Benchmarks\n\n<!-- generated: peers -->\nold\n<!-- /generated: peers -->\n\nthe rest\n'
const SHORT = ['--rounds', '1', '--duration', '300ms', '--warmup', '100ms']

/** A folder like `docs`, with a document that waits for its section. */
function documents(): string {
  const docs = temporaryFolder()
  writeFileSync(join(docs, 'benchmarks.md'), DOCUMENT)
  return docs
}

const read = (docs: string) => readFileSync(join(docs, 'benchmarks.md'), 'utf8')
const chart = (docs: string) => readFileSync(join(docs, 'images/peers.svg'), 'utf8')

const reason = isInstalled('cc') ? '' : ' (skipped: cc is not installed)'
describe.skipIf(reason !== '')(`pnpm bench:peers${reason}`, { timeout: PATIENCE_FOR_BENCH }, () => {
  it('measures all that can be built here, and writes table and chart of what it measured', async () => {
    const docs = documents()
    const file = join(docs, 'samples.jsonl')
    const args = [...SHORT, '--windows', '1000,1', '--docs', docs, '--samples', file]
    const { status, stderr } = await runBench('peers', args)
    expect({ status, stderr }).toMatchObject({ status: 0 })

    const here = PEERS.filter(({ needs }) => needs === undefined || isInstalled(needs))
    const samples = readSamples(file)
    const document = read(docs)
    const svg = chart(docs)
    for (const { id, name, leavesUnanswered } of here) {
      const [full, lone] = samples.filter(({ peer }) => peer === id)
      expect(full.acksPerSecond, name).toBeGreaterThan(0)
      const [shown, shownLone] = [full, lone].map(({ acksPerSecond }) => formatRate(acksPerSecond))
      if (leavesUnanswered) {
        expect(lone).toMatchObject({ window: 1, acksPerSecond: 0 })
        expect(lone.lost).toBeGreaterThan(0)
        expect(document).toMatch(
          new RegExp(`^\\| ${name} \\| ${shown} \\(\\d\\.\\d\\d\\) † \\| never answers \\|`, 'm'),
        )
        expect(svg).toContain('>never answers<')
      } else {
        expect([full.lost, lone.lost], name).toEqual([0, 0])
        const row = `^\\| (\\*\\*)?${name}(\\*\\*)? \\| ${shown} \\(\\d+\\.\\d\\d\\) \\| ${shownLone} \\(\\d+\\.\\d\\d\\) \\|`
        expect(document).toMatch(new RegExp(row, 'm'))
        expect(svg).toContain(`>${shown}<`)
      }
    }
    expect(svg.match(/class="track"/g)).toHaveLength(here.length * 2)
    expect(document).toMatch(/^# Benchmarks\n/)
    expect(document).toMatch(/\n\nthe rest\n$/)
    expect(document).not.toContain('old')
    expect(document).toContain(`Node ${process.versions.node}`)
  })

  it('leaves out with a word what there is no compiler or program for, and adds to earlier samples', async () => {
    const docs = documents()
    const file = join(docs, 'samples.jsonl')
    const args = [...SHORT, '--windows', '64', '--docs', docs, '--samples', file]
    const environment = { PATH: searchPathWithOnly('cc', 'as', 'ld') }
    const { status, stderr } = await runBench('peers', args, { environment })
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const words = [
      'Go, tuned, one core: left out, go is not installed',
      'Go, tuned, all cores: left out, go is not installed',
      'Go, never flushes: left out, go is not installed',
      'Redis, PING: left out, redis-server is not installed',
    ]
    for (const word of words) {
      expect(stderr).toContain(`${word}\n`)
      expect(read(docs)).toContain(`- ${word}.\n`)
    }
    expect(readSamples(file).map(({ peer }) => peer)).toEqual(['floor', 'naive', 'demo-server'])
    expect(chart(docs)).not.toContain('Redis')

    const earlier = read(docs)
    expect((await runBench('peers', args, { environment })).status).toBe(0)
    expect(readSamples(file)).toHaveLength(6)
    expect(earlier).toMatch(/\s1\sround;/)
    expect(read(docs)).toMatch(/\s2\srounds,\smedians;/)

    const again = documents()
    const none = ['--rounds', '0', '--windows', '64', '--docs', again, '--samples', file]
    expect((await runBench('peers', none, { environment })).status).toBe(0)
    expect(read(again)).toBe(read(docs))
  })

  it('says in one line that there is no C compiler', async () => {
    const { status, stderr } = await runBench('peers', [], { environment: { PATH: searchPathWithOnly() } })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^bench:peers: .*install a compiler, gcc or clang\n$/)
  })

  it('says in one line that there is nothing to write', async () => {
    const { status, stderr } = await runBench('peers', ['--rounds', '0'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^(.*left out.*\n)*bench:peers: nothing was measured: --rounds 0 wants --samples .*\n$/)
  })
})

describe('the flags of pnpm bench:peers', () => {
  it.each([
    ['--windows', '0', 'they must be windows above 0'],
    ['--windows', '1,x', 'they must be windows above 0'],
    ['--duration', '0', 'it must be a time above 0'],
    ['--rounds', '-1', 'it must be a whole number'],
    ['--nonsense', '1', "unknown option '--nonsense=1'"],
  ])('%s %s is refused in one line', async (flag, value, words) => {
    const { status, stderr } = await runBench('peers', [`${flag}=${value}`])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^bench:peers: .*\n$/)
    expect(stderr).toContain(words)
  })
})

/** A search path on which nothing is found but these. */
function searchPathWithOnly(...programs: readonly string[]): string {
  const folder = join(temporaryFolder(), 'bin')
  mkdirSync(folder)
  for (const program of programs) {
    const places = (process.env['PATH'] ?? '').split(delimiter).map((each) => join(each, program))
    const found = places.find((place) => existsSync(place))
    if (found === undefined) throw new Error(`${program} is not installed`)
    symlinkSync(found, join(folder, program))
  }
  return folder
}

describe('the tables', () => {
  const row = { window: 8, payload: 25 }
  const sample = (round: string, peer: string, acksPerSecond: number, lost = 0): Sample => ({
    ...{ round, peer, ...row, acksPerSecond, lost, cores: 0.5, clientCores: 0.5, duration: 1000, warmup: 100 },
  })
  const [floor, , tuned, unflushed, redis, , ours] = PEERS
  const samples = [
    ...[sample('a', 'floor', 2000), sample('a', 'demo-server', 1000), sample('a', 'redis', 960)],
    ...[sample('b', 'floor', 4000), sample('b', 'demo-server', 3000), sample('b', 'redis', 3060)],
    ...[sample('c', 'floor', 1500), sample('c', 'demo-server', 1500), sample('c', 'redis', 1500)],
    ...['a', 'b', 'c'].flatMap((round) => [sample(round, 'tuned', 10), sample(round, 'unflushed', 0, 8)]),
  ]
  const peers = [floor, tuned, unflushed, redis, ours]

  it('show medians of figures, and medians of the ratios of each round', () => {
    const lines = rateTable(samples, peers, [row]).split('\n')
    expect(lines).toContain('| C, the floor | 2.00 k (1.00) | 0.5 |')
    expect(lines).toContain('| **demo-server** | 1.50 k (0.75) | 0.5 |')
    expect(lines).toContain('| Go, never flushes | never answers | 0.5 |')
    expect(rateTable(samples, peers, [{ window: 9, payload: 25 }])).toContain('| C, the floor | – | – |')
  })

  it('say who is faster than we, who is as fast, and who is slower', () => {
    expect(standingTable(samples, peers, [row]).split('\n').at(-1)).toBe(
      '| window 8 | C, the floor 1.33 × | Redis, PING 1.00 × | Go, tuned, all cores 0.01 ×; Go, never flushes |',
    )
  })
})

describe('drawChart', () => {
  it('draws bars as long as their values, and is light or dark as its reader is', () => {
    const bar = (name: string, value: number) => ({ name, value, label: `${value}`, highlighted: name === 'ours' })
    const svg = drawChart('a < b', '', [{ title: 'x', bars: [bar('ours', 50), bar('other', 100), bar('dead', 0)] }])
    const widths = [...svg.matchAll(/class="(?:bar|ours)" .*? width="([\d.]+)"/g)].map(([, width]) => Number(width))
    expect(widths[0] / widths[1]).toBeCloseTo(0.5, 2)
    expect(widths[2]).toBe(0)
    expect(svg).toContain('a &lt; b')
    expect(svg).toContain('prefers-color-scheme: dark')
  })
})

describe('text', () => {
  it('is put between the markers of its section, and nowhere else', () => {
    expect(replaceSection(DOCUMENT, 'peers', 'new\n')).toBe(DOCUMENT.replace('old', 'new'))
    expect(() => replaceSection(DOCUMENT, 'other', '')).toThrow('<!-- generated: other -->')
  })

  it('is told in three figures', () => {
    expect([0, 999, 2150, 215_000, 1_584_000, 57_000_000].map(formatRate)).toEqual([
      ...['0.00', '999', '2.15 k', '215 k', '1.58 M', '57.0 M'],
    ])
  })

  it('is wrapped at 120 characters', () => {
    const lines = wrap(`- ${'word '.repeat(60)}`, '  ').split('\n')
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(120)
    expect(lines[1]).toMatch(/^ {2}word/)
  })
})
