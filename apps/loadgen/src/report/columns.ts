import type { Distribution } from '../engine/distribution.ts'
import type { RunOptions } from '../engine/options.ts'
import type { TimeSlice } from '../engine/timeline.ts'
import type { Measured } from '../run/result.ts'
import { perSecond } from '../units/per-second.ts'
import type { DistributionColumns, ReportData, TimeColumns } from './report-data.ts'

const POINTS_PER_DECADE = 24

/** The data of the charts. */
export function reportData(measured: Measured, options: RunOptions): ReportData {
  return { time: timeColumns(measured, options), distribution: distributionColumns(measured) }
}

/** Significant digits of a rate. */
const RATE_DIGITS = 6

function timeColumns({ result: { slices, offeredRate, outages } }: Measured, options: RunOptions): TimeColumns {
  const column = <Value>(figure: (slice: TimeSlice) => Value) => slices.map(figure)
  const rate = (count: number, seconds: number) => Number(perSecond(count, seconds).toPrecision(RATE_DIGITS))
  return {
    seconds: slices.map(({ atSeconds, seconds }) => Number((atSeconds + seconds / 2).toFixed(3))),
    acks: column(({ acks, seconds }) => rate(acks, seconds)),
    // The rate of a slice is slightly off at its edges, so a constant rate is drawn as it was set.
    offered:
      offeredRate === null
        ? null
        : column(({ due, seconds }) => (options.rate === undefined ? rate(due ?? 0, seconds) : offeredRate)),
    p50: column(({ p50 }) => p50),
    p99: column(({ p99 }) => p99),
    p999: column(({ p999 }) => p999),
    max: column(({ max }) => max),
    inFlight: column(({ inFlight }) => inFlight),
    unsent: offeredRate === null ? null : column(({ unsent }) => unsent),
    failedAcks: column(({ failedAcks }) => failedAcks),
    late: column(({ late }) => late),
    connectionsLost: column(({ connectionsLost }) => connectionsLost),
    connectionsDown: column(({ connectionsDown }) => connectionsDown),
    outages: outages.map(({ atSeconds, seconds }) => [atSeconds, Number((atSeconds + seconds).toFixed(3))]),
  }
}

function distributionColumns({ result, latencies, serviceTimes }: Measured): DistributionColumns {
  const most = Math.max(1, latencies.count)
  const points = Math.floor(Math.log10(most) * POINTS_PER_DECADE)
  // The last point is one request of all: the maximum.
  const reciprocal = [...Array.from({ length: points + 1 }, (_, i) => 10 ** (i / POINTS_PER_DECADE)), most]
  const values = (distribution: Distribution) =>
    reciprocal.map((one) => (result.acks === 0 ? null : distribution.percentile(100 * (1 - 1 / one))))
  return {
    reciprocal: reciprocal.map((one) => Number(one.toPrecision(6))),
    response: values(latencies),
    service: result.offeredRate === null ? null : values(serviceTimes),
  }
}
