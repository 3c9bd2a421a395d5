import type { Found, SearchOptions, Step } from '../analysis/search.ts'
import { showActual } from '../analysis/threshold.ts'
import { showTime, showWholeRate } from '../units/format.ts'
import { failures } from './text-report.ts'

const RATE_WIDTH = 14
const WIDTH = 12

const showPerSecond = (rate: number) => `${showWholeRate(rate)}/s`

/** The heading of the steps. */
export function searchHeading(): string {
  return `${'rate'.padStart(RATE_WIDTH)}${['sent', 'p50', 'p99', 'p99.9'].map((name) => name.padStart(WIDTH)).join('')}\n`
}

/** The beginning of the line of a step. */
export function stepBeginning(rate: number): string {
  return showPerSecond(rate).padStart(RATE_WIDTH)
}

/** The rest of the line, when the step is done. */
export function stepEnd({ run, verdicts, outcome, backlogGrowth }: Step): string {
  const { p50, p99, p999 } = run.latencyMs
  const figures = [showPerSecond(run.sentRate), ...[p50, p99, p999].map((value) => showTime(value))]
  const missed = verdicts
    .filter(({ passed }) => !passed)
    .map((one) => `misses ${one.threshold.text} (${showActual(one)})`)
    .join(', ')
  const text = {
    met: 'met',
    missed,
    behind: `not answered at that rate: the backlog grew by ${showPerSecond(backlogGrowth)}`,
    failed: `failed: ${failures(run)
      .map(([, text]) => text)
      .join('; ')}`,
    saturated: `generator saturated: ${run.saturatedBecause ?? ''}`,
  }[outcome]
  return `${figures.map((figure) => figure.padStart(WIDTH)).join('')}   ${text}\n`
}

export function searchReport({ highest, end, last }: Found, { slo, maxRate, precision }: SearchOptions): string {
  const wanted = slo.map(({ text }) => text).join(' and ')
  const found = highest === undefined ? 'no rate tried' : `${showWholeRate(highest)} requests a second`
  const within = `${Number((precision * 100).toFixed(2))} %`
  return `\n${
    {
      missed: `the highest rate that meets ${wanted}: ${found} (within ${within})`,
      never: `no rate meets ${wanted}, not even ${showPerSecond(last?.rate ?? 0)}`,
      saturated: `the generator was the limit: ${found} met ${wanted}, and it could not offer ${showPerSecond(last?.rate ?? 0)}; use more --workers, or another machine`,
      limit: `${found} meets ${wanted}; higher rates were not tried (--max-rate ${maxRate})`,
      interrupted: `interrupted: ${found} met ${wanted} so far`,
    }[end]
  }\n`
}
