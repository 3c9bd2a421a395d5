import { expect, test } from 'vitest'
import { backlogGrowth } from '../src/analysis/backlog.ts'

const EVIDENCE = { saturated: false, scheduleLagMs: { p99: 0.1 } }

/** Slices of a tenth of a second with so large a backlog at the end of each. */
const slicesOf = (backlogs: readonly number[], before = 0) =>
  backlogs.map((backlog, i) => ({
    atSeconds: (before + i) / 10,
    seconds: 0.1,
    inFlight: i % 2 === 0 ? backlog : 0,
    unsent: i % 2 === 0 ? 0 : backlog,
  }))

const overTime = (count: number, backlog: (seconds: number) => number) =>
  slicesOf(Array.from({ length: count }, (_, i) => backlog((i + 1) / 10)))

test.each([
  {
    name: 'a server that does 2,000 of 2,600 a second',
    slices: overTime(20, (at) => at * 600),
    rate: 2600,
    growth: 600,
  },
  {
    name: 'a server that does 2,000 of 2,100 a second',
    slices: overTime(20, (at) => at * 100),
    rate: 2100,
    growth: 100,
  },
  { name: 'a steady backlog', slices: overTime(20, () => 500), rate: 1000, growth: 0 },
  {
    name: 'one that comes to be what the latency makes it',
    slices: overTime(20, (at) => Math.min(at, 0.4) * 1000),
    rate: 1000,
    growth: 0,
  },
  { name: 'one that gets smaller', slices: overTime(20, (at) => 1000 - at * 400), rate: 1000, growth: 0 },
  {
    name: 'a hiccup near the end',
    slices: overTime(20, (at) => (at > 1.75 && at < 1.95 ? 300 : 2)),
    rate: 1000,
    growth: 0,
  },
  { name: 'next to nothing at a low rate', slices: overTime(10, (at) => (at > 0.7 ? 2 : 0)), rate: 40, growth: 0 },
  { name: 'too short a run', slices: overTime(3, (at) => at * 600), rate: 2600, growth: 0 },
])('the growth of $name', ({ slices, rate, growth }) => {
  // The drain is no part of it: there the backlog goes.
  const drain = slicesOf([3, 2, 1, 0, 0, 0, 0, 0], slices.length)
  expect(
    backlogGrowth({ slices: [...slices, ...drain], ...EVIDENCE, durationSeconds: slices.length / 10 }, rate),
  ).toBeCloseTo(growth, 6)
})

test.each([
  { name: 'more than its lateness explains', lag: 20, inFlight: 600, unsent: 0, growth: 600 },
  { name: 'no more than its lateness explains', lag: 500, inFlight: 600, unsent: 0, growth: 0 },
  { name: 'only what it did not send', lag: 20, inFlight: 0, unsent: 600, growth: 0 },
])('the growth that a saturated generator saw: $name', ({ lag, inFlight, unsent, growth }) => {
  const slices = Array.from({ length: 20 }, (_, i) => ({
    ...{ atSeconds: i / 10, seconds: 0.1 },
    ...{ inFlight: (inFlight * (i + 1)) / 10, unsent: (unsent * (i + 1)) / 10 },
  }))
  const run = { slices, saturated: true, scheduleLagMs: { p99: lag }, durationSeconds: 2 }
  expect(backlogGrowth(run, 2600)).toBeCloseTo(growth, 6)
})
