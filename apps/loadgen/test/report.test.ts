import { expect, test } from 'vitest'
import { progressLine } from '../src/report.ts'
import type { Progress } from '../src/run.ts'

const at = (phase: Progress['phase'], acks: number): Progress => ({ phase, acks, inFlight: 7, errors: 0 })

test.each([
  ['the first line', undefined, at('warm-up', 500), 'warm-up: 500 acks, 500 acks/s, 7 in flight, 0 errors'],
  [
    'one of the same phase',
    at('load', 1000),
    at('load', 3000),
    'load: 3,000 acks, 2,000 acks/s, 7 in flight, 0 errors',
  ],
  ['the first of the load', at('warm-up', 500), at('load', 900), 'load: 900 acks, 900 acks/s, 7 in flight, 0 errors'],
  ['the drain', at('load', 3000), at('drain', 3100), 'drain: 3,100 acks, 100 acks/s, 7 in flight, 0 errors'],
])('%s tells what came since the line before it', (_, before, now, line) => {
  expect(progressLine(now, before)).toBe(line)
})
