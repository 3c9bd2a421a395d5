import type { RunResult, Summary } from '../result.ts'

/** What is judged of a run: all its figures, without what is only drawn. */
export type JudgedRun = Omit<RunResult, 'slices'>

/** A figure of a run that can be judged. */
export interface Metric {
  readonly name: string
  /** In milliseconds, or a second, or just so many. */
  readonly kind: 'time' | 'rate' | 'count'
  readonly better: 'lower' | 'higher'
  readonly of: (run: JudgedRun) => number
}

const PERCENTILES = ['p50', 'p90', 'p99', 'p999', 'mean', 'max', 'min'] as const satisfies readonly (keyof Summary)[]

const time = (name: string, of: Metric['of']): Metric => ({ name, kind: 'time', better: 'lower', of })
const rate = (name: 'acksPerSecond' | 'sentRate'): Metric => ({
  name,
  kind: 'rate',
  better: 'higher',
  of: (run) => run[name],
})
const good = (name: 'requests' | 'acks'): Metric => ({ name, kind: 'count', better: 'higher', of: (run) => run[name] })
const bad = (
  name: 'failedAcks' | 'unanswered' | 'unsent' | 'mismatched' | 'duplicates' | 'timedOut' | 'errors' | 'reconnects',
): Metric => ({ name, kind: 'count', better: 'lower', of: (run) => run[name] })

/** What can go wrong with requests: 0 each in a run where nothing did. */
export const TROUBLES: readonly Metric[] = [
  bad('failedAcks'),
  bad('unanswered'),
  bad('unsent'),
  bad('mismatched'),
  bad('duplicates'),
  bad('timedOut'),
  bad('errors'),
]

/** Every figure that can be judged. `p99` is of the response time, `service.p99` of the service time. */
const METRICS: readonly Metric[] = [
  ...PERCENTILES.map((name) => time(name, ({ latencyMs }) => latencyMs[name])),
  ...PERCENTILES.map((name) => time(`service.${name}`, ({ serviceTimeMs }) => serviceTimeMs[name])),
  rate('acksPerSecond'),
  rate('sentRate'),
  good('requests'),
  good('acks'),
  ...TROUBLES,
  bad('reconnects'),
]

/**
 * Finds a metric by its name; `p99.9` is `p999`.
 *
 * @throws RangeError that lists the names
 */
export function findMetric(name: string): Metric {
  const wanted = name.replace(/p99\.9$/, 'p999')
  const metric = METRICS.find((one) => one.name === wanted)
  if (metric === undefined) {
    const names = METRICS.map((one) => one.name).filter((one) => !one.startsWith('service.'))
    throw new RangeError(`there is no metric '${name}': ${names.join(', ')}, and service.p50 to service.min`)
  }
  return metric
}
