/** The data of the charts of the HTML report, embedded as JSON. Times in milliseconds, columns as uPlot expects them. */
export interface ReportData {
  readonly time: TimeColumns
  readonly distribution: DistributionColumns
}

/** A column for each figure, with a value for each time slice. Null: nothing was answered in the slice. */
export interface TimeColumns {
  /** The middle of the slice, in seconds. */
  readonly seconds: readonly number[]
  /** A second. */
  readonly acks: readonly number[]
  /** Requests a second that were due; null in the closed model. */
  readonly offered: readonly (number | null)[] | null
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly p999: readonly (number | null)[]
  readonly max: readonly (number | null)[]
  readonly inFlight: readonly number[]
  /** Requests that were due and not sent; null in the closed model. */
  readonly unsent: readonly number[] | null
  readonly failedAcks: readonly number[]
  readonly late: readonly number[]
  readonly connectionsLost: readonly number[]
  readonly connectionsDown: readonly number[]
  /** Begin and end of each outage, in seconds. */
  readonly outages: readonly (readonly [from: number, to: number])[]
}

/** The percentile distributions. */
export interface DistributionColumns {
  /** 1/(1 − percentile): 1 is the minimum, 10 is 90 %, 100 is 99 %. */
  readonly reciprocal: readonly number[]
  readonly response: readonly (number | null)[]
  /** Null in the closed model: the same as response time. */
  readonly service: readonly (number | null)[] | null
}
