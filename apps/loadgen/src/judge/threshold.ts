import { findMetric, type JudgedRun, type Metric } from './metrics.ts'
import { median } from './statistics.ts'
import { parseLatency, parseNumber, showValue } from './units.ts'

const THRESHOLD = /^\s*([\w.]+)\s*(<=|>=|==|<|>)\s*([\w.µ]+)\s*$/

const OPERATORS = {
  '<': (actual: number, limit: number) => actual < limit,
  '<=': (actual: number, limit: number) => actual <= limit,
  '>': (actual: number, limit: number) => actual > limit,
  '>=': (actual: number, limit: number) => actual >= limit,
  '==': (actual: number, limit: number) => actual === limit,
} as const

/** What a figure of a run must be. */
export interface Threshold {
  /** As it was typed: `p99<5ms`. */
  readonly text: string
  readonly metric: Metric
  readonly operator: keyof typeof OPERATORS
  /** In the unit of the metric: milliseconds, a second, or so many. */
  readonly limit: number
}

/** What came of a threshold. */
export interface ThresholdVerdict {
  readonly threshold: Threshold
  /** In the unit of the metric. */
  readonly actual: number
  readonly passed: boolean
}

/**
 * Reads a threshold: `p99<5ms`, `acksPerSecond>=1M`, `errors==0`.
 *
 * @throws RangeError that says what is allowed
 */
export function parseThreshold(text: string): Threshold {
  const [, name, operator, value] = THRESHOLD.exec(text) ?? []
  if (name === undefined || operator === undefined || value === undefined) {
    throw new RangeError(
      'it must be a metric, one of < <= > >= ==, and a value, like p99<5ms, acksPerSecond>=1M or errors==0',
    )
  }
  const metric = findMetric(name)
  try {
    const limit = metric.kind === 'time' ? parseLatency(value) : parseNumber(value)
    return { text: text.trim(), metric, operator: operator as keyof typeof OPERATORS, limit }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`the value of ${metric.name} is '${value}': ${error.message}`)
  }
}

/**
 * Judges runs: the median of their times and rates, the worst of their counts. Of a single run that is the run itself.
 */
export function judge(thresholds: readonly Threshold[], runs: readonly JudgedRun[]): ThresholdVerdict[] {
  return thresholds.map((threshold) => {
    const actual = judgedValue(threshold.metric, runs)
    return { threshold, actual, passed: OPERATORS[threshold.operator](actual, threshold.limit) }
  })
}

function judgedValue(metric: Metric, runs: readonly JudgedRun[]): number {
  const values = runs.map(metric.of)
  if (metric.kind !== 'count') return median(values)
  return metric.better === 'lower' ? Math.max(...values) : Math.min(...values)
}

/** What a threshold's figure was, for a person. */
export function showActual({ threshold, actual }: ThresholdVerdict): string {
  return showValue(threshold.metric.kind, actual)
}
