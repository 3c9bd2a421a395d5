import type { RunFigures } from '../run/result.ts'
import { FAILURES, type Metric } from './metrics.ts'
import { mannWhitney, median, noise, signedRank, smallestP, smallestSignedRankP } from './statistics.ts'

/** `nothing to compare`: one of the sides has no figure, because nothing was answered. */
export type Verdict = 'better' | 'worse' | 'no difference seen' | 'nothing to compare'

/** When two sets of runs are reported as different. */
export interface CompareOptions {
  readonly metrics: readonly Metric[]
  /** The highest probability that any metric of two equal builds is reported as different. */
  readonly risk: number
  /** A smaller change of a median is no difference, whatever the statistics say. A fraction. */
  readonly relativeFloor: number
  /** The same if there are too few runs for statistics. */
  readonly wideFloor: number
  /** A smaller change of a time is no difference, in milliseconds. */
  readonly absoluteFloor: number
}

/** The runs of one side. */
export interface Side {
  /** Null if a run has no figure. */
  readonly median: number | null
  /** The relative spread of the runs, scaled as a standard deviation. Null for a single run. */
  readonly noise: number | null
}

/** One metric of both sides. */
export interface Row {
  readonly metric: Metric
  readonly before: Side
  readonly after: Side
  /**
   * The change of the median, or the median change of pairs, as a fraction of the value before. Null from 0, and if there
   * is nothing to compare.
   */
  readonly change: number | null
  /** The probability that equal builds differ as much; null if there are too few runs. */
  readonly p: number | null
  readonly verdict: Verdict
}

export interface Comparison {
  readonly rows: readonly Row[]
  /** The number of runs of each side. */
  readonly runs: { readonly before: number; readonly after: number }
  /** Whether there were enough runs for statistics. */
  readonly enough: boolean
  /** Whether each run was compared with its neighbour of the other side. */
  readonly paired: boolean
  readonly verdict: Verdict
}

/**
 * Compares the runs of two builds.
 *
 * A metric differs if three conditions hold: the runs of the two sides differ by more than chance (Mann-Whitney U, exact),
 * the medians differ by more than the relative floor, and a time by more than the absolute floor. The risk is divided by
 * the number of metrics (Bonferroni), so that more metrics do not mean more false alarms.
 *
 * Interleaved runs are compared in pairs of neighbours (Wilcoxon signed-rank, exact): a machine that is slower for a minute
 * slows both, and their ratio does not change.
 *
 * @param interleaved whether the runs with the same index were made one after the other
 */
export function compare(
  before: readonly RunFigures[],
  after: readonly RunFigures[],
  options: CompareOptions,
  interleaved = false,
): Comparison {
  const risk = options.risk / options.metrics.length
  const paired = interleaved && smallestSignedRankP(before.length) <= risk
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

/** A run that counted nothing has no figure: its rate of 0 says nothing about the server. */
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
  // A value of 0 has no ratio.
  const hasRatios = paired && before.every((value) => value > 0)
  const ratios = hasRatios ? before.map((value, i) => (after[i] ?? Number.NaN) / value) : undefined
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
 * Compares a kind of failure by its share of all requests of a side. There is no row if neither side has such failures.
 * Failures are compared without statistics, because a lost request is no noise.
 */
function compareFailures(
  metric: Metric,
  before: readonly RunFigures[],
  after: readonly RunFigures[],
  { wideFloor }: CompareOptions,
): Row[] {
  const [was, is] = [sum(before, metric.of), sum(after, metric.of)]
  if (was === 0 && is === 0) return []
  // At least 1: a run that sent nothing can have lost connections.
  const requestsOf = (runs: readonly RunFigures[]) =>
    Math.max(
      1,
      sum(runs, ({ requests }) => requests),
    )
  const [shareWas, shareIs] = [was / requestsOf(before), is / requestsOf(after)]
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

/** Worse if any metric is worse. Better metrics do not make up for it, nor for metrics that can't be compared. */
function overall(rows: readonly Row[]): Verdict {
  const verdicts = new Set(rows.map(({ verdict }) => verdict))
  if (verdicts.has('worse')) return 'worse'
  if (verdicts.has('nothing to compare')) return 'nothing to compare'
  return verdicts.has('better') ? 'better' : 'no difference seen'
}
