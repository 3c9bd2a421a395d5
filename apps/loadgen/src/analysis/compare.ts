import type { RunFigures } from '../run/result.ts'
import { FAILURES, type Metric } from './metrics.ts'
import { mannWhitney, median, noise, signedRank, smallestP, smallestSignedRankP } from './statistics.ts'

/** `nothing to compare`: one of the sides has no figure, for nothing was answered. */
export type Verdict = 'better' | 'worse' | 'no difference seen' | 'nothing to compare'

/** When two sets of runs are told to differ. */
export interface CompareOptions {
  readonly metrics: readonly Metric[]
  /** The chance, at most, that any metric of two equal builds is told to differ. */
  readonly risk: number
  /** A smaller change of a median is no difference, whatever the statistics say: a fraction. */
  readonly relativeFloor: number
  /** The same where there are too few runs for statistics. */
  readonly wideFloor: number
  /** A smaller change of a time is no difference, in milliseconds. */
  readonly absoluteFloor: number
}

/** What is said of the runs of one side. */
export interface Side {
  /** Null where a run has no figure. */
  readonly median: number | null
  /** The relative spread of the runs: what a standard deviation would be. Null for a single run: nobody knows. */
  readonly noise: number | null
}

/** One metric of both. */
export interface Row {
  readonly metric: Metric
  readonly before: Side
  readonly after: Side
  /** From the median before to the median after, of pairs the median change, a fraction of the former; null from 0, and where there is nothing to compare. */
  readonly change: number | null
  /** The chance that equal builds are as far apart; null where there are too few runs to tell. */
  readonly p: number | null
  readonly verdict: Verdict
}

export interface Comparison {
  readonly rows: readonly Row[]
  /** Runs of each side. */
  readonly runs: { readonly before: number; readonly after: number }
  /** Whether there were enough runs of both for the statistics. */
  readonly enough: boolean
  /** Whether each run was compared with the one of the other side that was made next to it. */
  readonly paired: boolean
  readonly verdict: Verdict
}

/**
 * Compares the runs of two builds.
 *
 * A metric differs when three things come together: the runs of the two sides lie apart by more than chance would put
 * them (Mann-Whitney U, exact), the medians differ by more than the relative floor, and a time by more than the absolute
 * floor. The risk is shared out over the metrics (Bonferroni): three metrics don't have three tries at a false alarm.
 *
 * Where the runs took turns, each is compared with its neighbour (Wilcoxon signed-rank, exact): a machine that is slower
 * for a minute slows both, and their ratio does not know of it.
 *
 * @param tookTurns whether the runs of the same number were made next to each other
 */
export function compare(
  before: readonly RunFigures[],
  after: readonly RunFigures[],
  options: CompareOptions,
  tookTurns = false,
): Comparison {
  const risk = options.risk / options.metrics.length
  const paired = tookTurns && smallestSignedRankP(before.length) <= risk
  const enough = paired || smallestP(before.length, after.length) <= risk
  const judged = options.metrics.map((metric) =>
    compareMetric(metric, before.map(figure(metric)), after.map(figure(metric)), { ...options, risk, enough, paired }),
  )
  const rows = [...judged, ...FAILURES.flatMap((metric) => compareFailures(metric, before, after, options))]
  return { rows, runs: { before: before.length, after: after.length }, enough, paired, verdict: overall(rows) }
}

interface Rules extends CompareOptions {
  readonly enough: boolean
  readonly paired: boolean
}

/** Of a run that counted nothing there is no figure: its rate of 0 says nothing about the server. */
const figure = (metric: Metric) => (run: RunFigures) => (run.requests + run.unsent === 0 ? null : metric.of(run))

function compareMetric(
  metric: Metric,
  before: readonly (number | null)[],
  after: readonly (number | null)[],
  rules: Rules,
): Row {
  if (isComplete(before) && isComplete(after)) return compareFigures(metric, before, after, rules)
  const side = (values: readonly (number | null)[]): Side =>
    isComplete(values) ? describe(values) : { median: null, noise: null }
  return { metric, before: side(before), after: side(after), change: null, p: null, verdict: 'nothing to compare' }
}

const isComplete = (values: readonly (number | null)[]): values is readonly number[] => !values.includes(null)

function compareFigures(metric: Metric, before: readonly number[], after: readonly number[], rules: Rules): Row {
  const { risk, relativeFloor, wideFloor, absoluteFloor, enough, paired } = rules
  const sides = { before: describe(before), after: describe(after) }
  // A pair with a 0 has no ratio.
  const ratios = paired && before.every((value) => value > 0) ? after.map((value, i) => value / before[i]) : undefined
  const change = ratios === undefined ? changeOf(sides.before.median, sides.after.median) : median(ratios) - 1
  const difference = change === null ? sides.after.median : change * sides.before.median
  const p = enough ? chance(before, after, ratios) : null
  const apart = p === null ? doNotOverlap(before, after) : p <= risk
  const floor = enough ? relativeFloor : wideFloor
  const large =
    Math.abs(difference) > floor * sides.before.median &&
    (metric.kind !== 'time' || Math.abs(difference) > absoluteFloor)
  return {
    metric,
    ...sides,
    change,
    p,
    verdict: apart && large ? direction(metric, difference) : 'no difference seen',
  }
}

function changeOf(before: number, after: number): number | null {
  return before === 0 ? null : after / before - 1
}

function chance(before: readonly number[], after: readonly number[], ratios: readonly number[] | undefined): number {
  return ratios === undefined ? mannWhitney(before, after) : signedRank(ratios.map(Math.log))
}

/**
 * What went wrong, as the share of requests that it went wrong with, of all runs of a side together; nothing is said
 * where nothing did. It is judged without statistics: a request lost is no noise.
 */
function compareFailures(
  metric: Metric,
  before: readonly RunFigures[],
  after: readonly RunFigures[],
  { wideFloor }: CompareOptions,
): Row[] {
  const [was, is] = [before, after].map((runs) => sum(runs, metric.of))
  if (was === 0 && is === 0) return []
  const [requestsBefore, requestsAfter] = [before, after].map((runs) => sum(runs, ({ requests }) => requests))
  // A connection can be lost, and a request not sent, in a run that sent nothing.
  const [shareWas, shareIs] = [was / Math.max(1, requestsBefore), is / Math.max(1, requestsAfter)]
  const large = Math.abs(shareIs - shareWas) > wideFloor * shareWas
  return [
    {
      metric,
      before: { median: was, noise: null },
      after: { median: is, noise: null },
      change: changeOf(was, is),
      p: null,
      verdict: large ? direction(metric, shareIs - shareWas) : 'no difference seen',
    },
  ]
}

function describe(values: readonly number[]): Side & { readonly median: number } {
  return { median: median(values), noise: values.length > 1 ? noise(values) : null }
}

function doNotOverlap(a: readonly number[], b: readonly number[]): boolean {
  return Math.max(...a) < Math.min(...b) || Math.max(...b) < Math.min(...a)
}

function direction({ better }: Metric, difference: number): Verdict {
  return difference < 0 === (better === 'lower') ? 'better' : 'worse'
}

function sum(runs: readonly RunFigures[], of: Metric['of']): number {
  return runs.reduce((total, run) => total + (of(run) ?? 0), 0)
}

/** Worse if anything is: what is better elsewhere does not make up for it, nor for what can't be compared. */
function overall(rows: readonly Row[]): Verdict {
  const verdicts = new Set(rows.map(({ verdict }) => verdict))
  if (verdicts.has('worse')) return 'worse'
  if (verdicts.has('nothing to compare')) return 'nothing to compare'
  return verdicts.has('better') ? 'better' : 'no difference seen'
}
