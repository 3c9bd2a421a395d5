import type { Histogram } from 'hdr-histogram-js'
import type { Measured, Slice } from '../result.ts'
import type { DistributionColumns, ReportData, TimeColumns } from './report-data.ts'

const NANOSECONDS = 1e6
const POINTS_PER_DECADE = 24

/** The columns of the charts. */
export function reportData(measured: Measured): ReportData {
  return { time: timeColumns(measured), distribution: distributionColumns(measured) }
}

function timeColumns({ result: { slices, offeredRate } }: Measured): TimeColumns {
  const answered = (figure: (slice: Slice) => number) => slices.map((slice) => (slice.acks > 0 ? figure(slice) : null))
  return {
    seconds: slices.map(({ atSeconds, seconds }) => Number((atSeconds + seconds / 2).toFixed(3))),
    acks: slices.map(({ acks, seconds }) => Math.round(acks / seconds)),
    offeredRate,
    p50: answered(({ p50 }) => p50),
    p99: answered(({ p99 }) => p99),
    p999: answered(({ p999 }) => p999),
    max: answered(({ max }) => max),
    inFlight: slices.map(({ inFlight }) => inFlight),
    failedAcks: slices.map(({ failedAcks }) => failedAcks),
    errors: slices.map(({ errors }) => errors),
  }
}

function distributionColumns({ result, latencies, serviceTimes }: Measured): DistributionColumns {
  const most = Math.max(1, latencies.totalCount)
  const points = Math.floor(Math.log10(most) * POINTS_PER_DECADE)
  // The last is one request in all of them: the maximum.
  const reciprocal = [...Array.from({ length: points + 1 }, (_, i) => 10 ** (i / POINTS_PER_DECADE)), most]
  const values = (histogram: Histogram) =>
    reciprocal.map((one) => milliseconds(one === most ? histogram.maxValue : atReciprocal(histogram, one)))
  return {
    reciprocal: reciprocal.map((one) => Number(one.toPrecision(6))),
    response: values(latencies),
    service: result.offeredRate === null ? null : values(serviceTimes),
  }
}

function atReciprocal(histogram: Histogram, reciprocal: number): number {
  if (histogram.totalCount === 0) return 0
  return Math.min(histogram.getValueAtPercentile(100 * (1 - 1 / reciprocal)), histogram.maxValue)
}

function milliseconds(nanoseconds: number): number {
  return Number((nanoseconds / NANOSECONDS).toPrecision(4))
}
