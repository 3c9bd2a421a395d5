import { OptionError } from '@demo/cli'
import { STANDARD_PERCENTILES } from '../run/percentiles.ts'
import type { RunFigures } from '../run/result.ts'
import { showValue } from '../units/format.ts'
import { parseLatency, parseNumber, parseRate, parseShare } from '../units/parse.ts'
import { findMetric, type Metric, shareOf } from './metrics.ts'
import { median } from './statistics.ts'

const THRESHOLD = /^\s*([\w.-]+)\s*(<=|>=|==|<|>)\s*([\w./µ%]+)\s*$/

const OPERATORS = {
  '<': (actual: number, limit: number) => actual < limit,
  '<=': (actual: number, limit: number) => actual <= limit,
  '>': (actual: number, limit: number) => actual > limit,
  '>=': (actual: number, limit: number) => actual >= limit,
  '==': (actual: number, limit: number) => actual === limit,
} as const

const PARSERS: Readonly<Record<Metric['kind'], (text: string) => number>> = {
  time: parseLatency,
  rate: parseRate,
  count: parseNumber,
  share: parseShare,
}

/** A condition for a figure of a run. */
export interface Threshold {
  /** As it was typed: `p99<5ms`. */
  readonly text: string
  readonly metric: Metric
  readonly operator: keyof typeof OPERATORS
  /** In the unit of the metric: milliseconds, a number a second, a number, or a fraction. */
  readonly limit: number
}

/** The result of a threshold. */
export interface ThresholdVerdict {
  readonly threshold: Threshold
  /** In the unit of the metric; null if nothing was answered. */
  readonly actual: number | null
  readonly passed: boolean
}

/**
 * Parses a threshold: `p99<5ms`, `acksPerSecond>=1M`, `errors==0`, `failed<1%`.
 *
 * @throws OptionError that says what is expected
 */
export function parseThreshold(text: string): Threshold {
  const [, name, operator, value] = THRESHOLD.exec(text) ?? []
  if (name === undefined || operator === undefined || value === undefined) {
    throw new OptionError(
      'expected a metric, one of < <= > >= ==, and a value, like p99<5ms, acksPerSecond>=1M, errors==0 or failed<1%',
    )
  }
  const plain = findMetric(name)
  try {
    const metric = value.endsWith('%') && plain.kind === 'count' ? shareOf(plain) : plain
    const limit = PARSERS[metric.kind](value)
    return { text: text.trim(), metric, operator: operator as keyof typeof OPERATORS, limit }
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    throw new OptionError(`invalid value '${value}' of ${plain.name}: ${error.message}`)
  }
}

/** The percentiles that thresholds need beyond those that every result has. */
export function percentilesOf(thresholds: readonly Threshold[]): number[] {
  return thresholds.flatMap(({ metric: { percentile } }) =>
    percentile === undefined || STANDARD_PERCENTILES.includes(percentile) ? [] : [percentile],
  )
}

/** Judges runs by the median of their times and rates, and by the worst of their counts and shares. */
export function judge(thresholds: readonly Threshold[], runs: readonly RunFigures[]): ThresholdVerdict[] {
  return thresholds.map((threshold) => {
    const actual = judgedValue(threshold.metric, runs)
    return { threshold, actual, passed: actual !== null && OPERATORS[threshold.operator](actual, threshold.limit) }
  })
}

/** Null if a run has no value: nothing was answered. */
function judgedValue(metric: Metric, runs: readonly RunFigures[]): number | null {
  const values = runs.map(metric.of).filter((value) => value !== null)
  if (values.length < runs.length) return null
  if (metric.kind === 'time' || metric.kind === 'rate') return median(values)
  return metric.better === 'lower' ? Math.max(...values) : Math.min(...values)
}

/** The actual figure: `5.2 ms`, `no answer`. */
export function showActual({ threshold: { metric }, actual }: ThresholdVerdict): string {
  if (actual === null) return metric.kind === 'share' ? 'no request' : 'no answer'
  return showValue(metric.kind, actual)
}

/** The actual figure in a sentence: `it is 5.2 ms`, `no answer`. */
export function describeActual(verdict: ThresholdVerdict): string {
  return verdict.actual === null ? showActual(verdict) : `it is ${showActual(verdict)}`
}
