import { expect, test } from 'vitest'
import type { Progress } from '../src/engine/monitor.ts'
import { LiveView } from '../src/live/live-view.ts'
import { progressLine } from '../src/live/plain-lines.ts'
import { sparkline } from '../src/live/sparkline.ts'
import { troubles } from '../src/report.ts'
import { makeRun } from './runs.ts'

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
  expect(shown[2].trim()).toBe('1 failed   2 late')
  expect(shown[3].trim()).toBe('▆█')
  view.clear()
  expect(shownBy(written)).toEqual([])
})

test('a terminal that does not know its size gets all lines', () => {
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
  { notReached: 0, told: 'the server did not take them' },
  { notReached: 3, told: 'the generator did not get to them' },
  { notReached: 1, told: 'the server did not take 2, the generator did not get to 1' },
])('what was never sent is blamed on the right one: $told', ({ notReached, told }) => {
  expect(troubles(makeRun({ unsent: 3, notReached, saturated: true }))).toEqual([
    ['unsent', `3 requests were due and never sent: ${told}`],
  ])
})
