import { kebabCase, OptionError } from '@demo/cli'
import type { Summary } from '../engine/distribution.ts'
import { parsePercentile, percentileName, percentileOf } from '../run/percentiles.ts'
import type { RunFigures } from '../run/result.ts'
import type { Kind } from '../units/format.ts'

/** A figure of a run that can be judged. */
export interface Metric {
  readonly name: string
  readonly kind: Kind
  readonly better: 'lower' | 'higher'
  /** Null if nothing was answered. NaN if the result does not have the figure. */
  readonly of: (run: RunFigures) => number | null
  /** The percentile, if the metric is one. */
  readonly percentile?: number
  /** Whether it counts requests, so that it can be a share of all due requests. */
  readonly ofRequests?: boolean
}

const BOUNDS = ['mean', 'max', 'min'] as const satisfies readonly (keyof Summary)[]

const time = (name: string, of: Metric['of']): Metric => ({ name, kind: 'time', better: 'lower', of })
const rate = (name: 'acksPerSecond' | 'sentRate'): Metric => ({
  name,
  kind: 'rate',
  better: 'higher',
  of: (run) => run[name],
})
const good = (name: 'requests' | 'acks'): Metric => ({
  name,
  kind: 'count',
  better: 'higher',
  of: (run) => run[name],
  ofRequests: true,
})

type FailureName =
  | ('failedAcks' | 'unanswered' | 'lost' | 'overdue' | 'late' | 'unsent' | 'notReached' | 'neverAnswered')
  | ('mismatched' | 'duplicates' | 'timedOut' | 'errors' | 'reconnects' | 'outageSeconds')

const bad = (name: FailureName, ofRequests = true): Metric => ({
  name,
  kind: 'count',
  better: 'lower',
  of: (run) => run[name],
  ofRequests,
})

/** Counts of failures. All are 0 in a clean run. */
export const FAILURES: readonly Metric[] = [
  bad('failedAcks'),
  bad('unanswered'),
  bad('unsent'),
  bad('mismatched'),
  bad('duplicates'),
  bad('timedOut'),
  bad('errors', false),
]

/** Every figure that can be judged, except percentiles. */
const METRICS: readonly Metric[] = [
  ...BOUNDS.map((name) => time(name, ({ latencyMs }) => latencyMs[name])),
  ...BOUNDS.map((name) => time(`service.${name}`, ({ serviceTimeMs }) => serviceTimeMs[name])),
  rate('acksPerSecond'),
  rate('sentRate'),
  good('requests'),
  good('acks'),
  ...FAILURES,
  bad('lost'),
  bad('overdue'),
  bad('late'),
  bad('notReached'),
  bad('neverAnswered'),
  bad('reconnects', false),
  bad('outageSeconds', false),
]

/** Other names. Besides these, each name can be written with dashes, like `timed-out`. */
const ALIASES: ReadonlyMap<string, string> = new Map([['failed', 'failedAcks']])

const PERCENTILE = /^(service\.)?p(\d+(?:\.\d+)?)$/

/** `p999` and `p9999` are the usual names of 99.9 and 99.99. */
const ONLY_NINES = /^99(9+)$/

/**
 * Finds a metric by its name. `p95` is of the response time, `service.p95` of the service time.
 *
 * @throws OptionError that lists the names
 */
export function findMetric(name: string): Metric {
  const [, service, number] = PERCENTILE.exec(name) ?? []
  if (number !== undefined) return percentileMetric(name, service !== undefined, number.replace(ONLY_NINES, '99.$1'))
  const wanted = ALIASES.get(name) ?? name
  const metric = METRICS.find((one) => one.name === wanted || kebabCase(one.name) === wanted)
  if (metric === undefined) {
    const names = METRICS.map((one) => one.name).filter((one) => !one.startsWith('service.'))
    throw new OptionError(
      `there is no metric '${name}'; expected p50, p99 or any other percentile, ${names.join(', ')}, or service.p50 to service.min`,
    )
  }
  return metric
}

/** @throws OptionError if it is not a percentile */
function percentileMetric(written: string, service: boolean, number: string): Metric {
  let percentile: number
  try {
    percentile = parsePercentile(number)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    throw new OptionError(`there is no metric '${written}': ${error.message}`)
  }
  const name = percentile === 99.9 ? 'p999' : percentileName(percentile)
  const times = service ? 'serviceTimeMs' : 'latencyMs'
  const metric = time(service ? `service.${name}` : name, (run) => percentileOf(run, times, percentile))
  return { ...metric, percentile }
}

/**
 * The metric as a share of the requests that were due.
 *
 * @throws OptionError if it does not count requests
 */
export function shareOf(metric: Metric): Metric {
  if (metric.ofRequests !== true)
    throw new OptionError('expected a value without %: this metric does not count requests')
  return {
    ...metric,
    kind: 'share',
    of: (run) => {
      const due = run.requests + run.unsent
      const part = metric.of(run)
      return due === 0 || part === null ? null : part / due
    },
  }
}
