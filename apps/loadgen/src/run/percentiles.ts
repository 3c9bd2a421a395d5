import { OptionError } from '@demo/cli'
import type { Distribution, Summary } from '../engine/distribution.ts'
import type { Measured, PercentilesMs, RunResult } from './result.ts'

/** The default of `--percentiles`. */
export const STANDARD_PERCENTILES: readonly number[] = [50, 90, 99, 99.9]

/** The percentiles that every distribution in the JSON has, with their names there. */
const IN_SUMMARY: ReadonlyMap<number, keyof Summary> = new Map([
  [50, 'p50'],
  [90, 'p90'],
  [99, 'p99'],
  [99.9, 'p999'],
])

/** The distributions of a run. */
export type Times = 'latencyMs' | 'serviceTimeMs' | 'scheduleLagMs'

const NUMBER = /^\d+(\.\d+)?$/

/** Parses a percentile like `50` or `99.99`. @throws OptionError that says what is expected */
export function parsePercentile(text: string): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN
  if (!(value > 0 && value <= 100)) throw new OptionError('expected a percentile above 0, up to 100, like 95 or 99.99')
  return value
}

/** Adds percentiles to a result. */
export function withPercentiles(measured: Measured, wanted: readonly number[]): Measured {
  const more = [...new Set(wanted)].sort((a, b) => a - b)
  if (more.length === 0) return measured
  const { result, latencies, serviceTimes, lags } = measured
  const answered = result.acks > 0
  const of = (distribution: Distribution, known: boolean): Readonly<Record<string, number | null>> =>
    Object.fromEntries(more.map((one) => [String(one), known ? distribution.percentile(one) : null]))
  const percentilesMs: PercentilesMs = {
    latencyMs: of(latencies, answered),
    serviceTimeMs: of(serviceTimes, answered),
    scheduleLagMs: lags === undefined ? null : of(lags, true),
  }
  return { ...measured, result: { ...result, percentilesMs } }
}

/** @returns milliseconds; null if nothing was answered, NaN if the result does not have this percentile */
export function percentileOf(run: Omit<RunResult, 'slices'>, times: Times, percentile: number): number | null {
  const name = IN_SUMMARY.get(percentile)
  if (name !== undefined) return times === 'scheduleLagMs' ? (run[times]?.[name] ?? null) : run[times][name]
  const value = run.percentilesMs?.[times]?.[String(percentile)]
  return value === undefined ? Number.NaN : value
}

/** `p95`, `p99.9` */
export const percentileName = (percentile: number) => `p${percentile}`
