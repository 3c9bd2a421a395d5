import { expect, test } from 'vitest'
import { EMPTY_SUMMARY } from '../src/engine/distribution.ts'
import type { Progress } from '../src/engine/monitor.ts'
import type { RunOptions } from '../src/engine/options.ts'
import { LiveView } from '../src/live/live-view.ts'
import { progressLine } from '../src/live/plain-lines.ts'
import { sparkline } from '../src/live/sparkline.ts'
import { failures, textReport } from '../src/report/text-report.ts'
import type { RunResult } from '../src/run/result.ts'
import { flat, makeRun } from './runs.ts'

const at = (phase: Progress['phase'], seconds: number, acks: number, more: Partial<Progress> = {}): Progress => ({
  ...{
    phase,
    seconds,
    acks,
    done: undefined,
    connections: 3,
    failedAcks: 0,
    inFlight: 7,
    errors: 0,
    connectionsLost: 0,
    connectionsDown: 0,
    late: 0,
    overdue: 0,
    unsent: 0,
    mismatched: 0,
    duplicates: 0,
    p50: 0.25,
    p99: 12.34,
  },
  ...more,
})

const TAIL = 'p50 0.25 ms, p99 12.3 ms, 7 in flight, 0 errors'

test.each([
  ['the first line', undefined, at('warm-up', 1, 500), `warm-up: 500 acks, 500 acks/s, ${TAIL}`],
  ['one of the same phase', at('load', 1, 1000), at('load', 2, 3000), `load: 3,000 acks, 2,000 acks/s, ${TAIL}`],
  ['the first of the load', at('warm-up', 2, 500), at('load', 1, 900), `load: 900 acks, 900 acks/s, ${TAIL}`],
  ['the drain', at('load', 9, 3000), at('drain', 0.5, 3100), `drain: 3,100 acks, 200 acks/s, ${TAIL}`],
  ['the ramp', undefined, at('connect', 1, 0), 'connect: 3 connections, 0 errors'],
])('%s tells what came since the line before it', (_, before, now, line) => {
  expect(progressLine(now, before)).toBe(line)
})

test.each([
  [[0, 1, 2, 4, 7], '▁▂▃▅█'],
  [[0, 0], '▁▁'],
  [[], ''],
])('a sparkline of %j is as high as its numbers', (values, line) => {
  expect(sparkline(values)).toBe(line)
})

/** What a terminal shows: each line that was not cleared. */
function shownBy(written: string): string[] {
  const lines: string[] = []
  for (const part of written.replaceAll('\x1b[1A\x1b[2K', 'UP\n').split('\n')) {
    if (part === 'UP') lines.pop()
    else if (part !== '') lines.push(part)
  }
  return lines
}

test('the live view is drawn in one place, and taken away at the end', () => {
  let written = ''
  const view = new LiveView({ columns: 200, colors: false, write: (text) => (written += text) })
  view.show(at('connect', 0.2, 0, { done: 0.5 }))
  view.show(at('load', 0.2, 100, { done: 0.25 }))
  view.show(at('load', 0.4, 300, { done: 0.5, late: 2, failedAcks: 1 }))
  const shown = shownBy(written)
  expect(shown).toHaveLength(4)
  expect(shown[0]).toMatch(/^load {5}█{15}·{15} {2}50 % {3}0\.4 s$/)
  expect(shown[1]).toContain('750 acks/s   p50 0.25 ms   p99 12.3 ms   7 in flight')
  expect(shown[2]?.trim()).toBe('1 failed   2 late')
  expect(shown[3]?.trim()).toBe('▆█')
  view.clear()
  expect(shownBy(written)).toEqual([])
})

test('a terminal without a size gets all lines', () => {
  let written = ''
  const view = new LiveView({ columns: 0, colors: false, write: (text) => (written += text) })
  view.show(at('load', 1, 100, { done: 0.5 }))
  expect(shownBy(written)[0]).toMatch(/^load {5}█{15}·{15} {2}50 %/)
})

test('a terminal that is narrow gets no line that is wider', () => {
  let written = ''
  const view = new LiveView({ columns: 20, colors: true, write: (text) => (written += text) })
  view.show(at('load', 1, 100, { done: 0.5 }))
  for (const line of shownBy(written)) expect(line.length).toBeLessThan(20)
})

test.each([
  { notReached: 0, expected: 'the server did not take them' },
  { notReached: 3, expected: 'the generator was too late to send them' },
  { notReached: 1, expected: 'the server did not take 2, the generator was too late to send 1' },
])('the cause of unsent requests is reported: $expected', ({ notReached, expected }) => {
  expect(failures(makeRun({ unsent: 3, notReached, saturated: true }))).toEqual([
    ['unsent', `3 requests were due and never sent: ${expected}`],
  ])
})

/** Without slices: a text has none. */
const textOf = (changes: Partial<RunResult>, percentiles?: readonly number[]) =>
  textReport({ ...makeRun(changes), slices: [] }, OPTIONS, percentiles)

const OPTIONS: RunOptions = {
  ...{ host: '127.0.0.1', port: 8888, dialect: 'specification', connections: 10, rate: undefined, amount: undefined },
  ...{
    arrival: 'constant',
    engine: 'node',
    workers: 1,
    payloadSize: 25,
    seed: 1,
    duration: 10_000,
    warmup: 0,
    timeout: 5000,
  },
}

test('where nothing was answered the text has a dash, and never 0 ms', () => {
  const nothing = {
    acks: 0,
    acksPerSecond: 0,
    latencyMs: EMPTY_SUMMARY,
    serviceTimeMs: EMPTY_SUMMARY,
    unanswered: 1000,
  }
  const closed = textOf(nothing)
  expect(closed).toMatch(/^latency {5}mean –, min –$/m)
  for (const name of ['p50', 'p90', 'p99', 'p99.9', 'max']) expect(closed).toContain(`\n  ${name.padEnd(10)}–\n`)
  const open = textOf({ ...nothing, offeredRate: 100, scheduleLagMs: flat(1) })
  expect(open).toMatch(/^ {2}p99 +– +– +1\.000 ms$/m)
  expect(closed + open).not.toMatch(/0\.000 ms|null|NaN/)
})

test('the text has the percentiles that were asked for', () => {
  const percentilesMs = { latencyMs: { 95: 7, '99.99': 8 }, serviceTimeMs: { 95: 5, '99.99': 6 }, scheduleLagMs: null }
  const text = textOf({ percentilesMs }, [50, 95, 99.99])
  expect(text).toMatch(/^ {2}p50 +2\.000 ms\n {2}p95 +7\.000 ms\n {2}p99\.99 +8\.000 ms\n {2}max +2\.000 ms$/m)
  expect(text).not.toMatch(/^ {2}p90/m)
})

test('the text has outages, targets, rates below 1 a second, and that the run was interrupted', () => {
  const outages = [
    { atSeconds: 1, seconds: 0.8, connections: 4 },
    { atSeconds: 3.25, seconds: 0.05, connections: 1 },
  ]
  const target = { connections: 1, requests: 10, mismatched: 0, duplicates: 0, unanswered: 0, timedOut: 0 }
  const text = textOf({
    ...{ outages, outageSeconds: 0.85, errors: 5, errorMessages: ['gone'], acksPerSecond: 0.5, offeredRate: 10 / 3600 },
    ...{ interrupted: true, interruptedBecause: 'SIGTERM', durationSeconds: 4.2, scheduleLagMs: flat(1) },
    targets: [
      { ...target, target: '127.0.0.1:1', acks: 10, failedAcks: 0, errors: 0, acksPerSecond: 5, latencyMs: flat(2) },
      { ...target, target: 'unix:/b', acks: 0, failedAcks: 3, errors: 2, acksPerSecond: 0, latencyMs: EMPTY_SUMMARY },
    ],
  })
  expect(text).toMatch(
    /^outage {6}850 ms in all: 4 connections from 1\.0 s on for 800 ms; 1 connection from 3\.3 s on for 50 ms$/m,
  )
  expect(text).toMatch(/^throughput {2}0\.5 acks\/s$/m)
  expect(text).toMatch(/^offered {5}0\.00278 requests\/s, sent 1,000$/m)
  expect(text).toMatch(/^interrupted SIGTERM, after 4\.2 s: not the whole run$/m)
  expect(text).toMatch(/^targets {5}127\.0\.0\.1:1 {2}5 acks\/s, p50 2 ms, p99 2 ms$/m)
  expect(text).toMatch(/^ {12}unix:\/b {2}0 acks\/s, p50 –, p99 –, 3 failed, 2 connections lost$/m)
})

test('a plain line has each kind of failure, and a dash if nothing was answered', () => {
  const failures = { failedAcks: 1, late: 2, overdue: 3, unsent: 4, connectionsLost: 1, connectionsDown: 5 }
  const now = at('load', 1, 10, { ...failures, mismatched: 6, duplicates: 7, p50: null, p99: null })
  expect(progressLine(now, undefined)).toBe(
    'load: 10 acks, 10 acks/s, p50 –, p99 –, 7 in flight, ' +
      '1 failed, 2 late, 3 overdue, 4 unsent, 1 connection lost, 5 down now, 6 mismatched, 7 duplicates',
  )
})
