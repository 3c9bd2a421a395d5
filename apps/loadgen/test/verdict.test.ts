import { expect, test } from 'vitest'
import type { RunOptions } from '../src/engine/options.ts'
import { textReport } from '../src/report/text-report.ts'
import type { RunFigures } from '../src/run/result.ts'
import { busyNote, type Evidence, LAG_BOUND, whySaturated } from '../src/run/verdict.ts'
import { makeRun } from './runs.ts'

const OPTIONS: RunOptions = {
  ...{ host: '127.0.0.1', port: 8888, dialect: 'specification', connections: 1, rate: undefined, arrival: 'constant' },
  ...{
    engine: 'node',
    workers: 1,
    payloadSize: 25,
    seed: 1,
    duration: 1000,
    warmup: 0,
    amount: undefined,
    timeout: 5000,
  },
}

const GOOD: Evidence = { offeredRate: 1000, sentRate: 1000, lagP99: 0.1, busy: [0.5, 0.6] }

test.each<[string, Partial<Evidence>, RegExp | null]>([
  ['all was sent in time', {}, null],
  ['requests were looked at as late as may be', { lagP99: LAG_BOUND }, null],
  ['requests were looked at too late', { lagP99: LAG_BOUND + 0.1 }, /10\.1 ms late/],
  ['the server did not take them', { sentRate: 500 }, null],
  ['they were not sent, and a worker had no time left', { sentRate: 989, busy: [0.2, 0.96] }, /989 of 1,000/],
  ['nearly all were sent by busy workers', { sentRate: 991, busy: [1, 1] }, null],
  ['no rate was asked for', { offeredRate: null, lagP99: null, sentRate: 500, busy: [1] }, null],
])('whether the generator was saturated: %s', (_, evidence, why) => {
  const verdict = whySaturated({ ...GOOD, ...evidence })
  if (why === null) expect(verdict).toBeNull()
  else expect(verdict).toMatch(why)
})

test('a busy generator is noted in the closed model only', () => {
  expect(busyNote({ ...GOOD, busy: [1] }, 1)).toBeUndefined()
  expect(busyNote({ ...GOOD, offeredRate: null, busy: [0.5] }, 1)).toBeUndefined()
  expect(busyNote({ ...GOOD, offeredRate: null, busy: [0.5, 1] }, 1)).toContain('--workers')
})

test('a generator is no limit for being busy in a run that was over at once, or in which something went wrong', () => {
  expect(busyNote({ ...GOOD, offeredRate: null, busy: [1] }, 0.9)).toBeUndefined()
  const generator = { ...makeRun().generator, busyPercent: [100] }
  const noted = (run: Partial<RunFigures>) => textReport({ ...makeRun({ generator, ...run }), slices: [] }, OPTIONS)
  expect(noted({})).toContain('note')
  expect(noted({ unanswered: 1 })).not.toContain('note')
})
