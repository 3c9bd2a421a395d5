import type { Found, SearchOptions, Step } from '../analysis/search.ts'
import { showActual } from '../analysis/threshold.ts'
import { showTime, showWholeRate } from '../units/format.ts'
import { failures } from './text-report.ts'

const RATE_WIDTH = 14
const WIDTH = 12

const perSecond = (rate: number) => `${showWholeRate(rate)}/s`

/** The line above the steps. */
export function searchHeading(): string {
  return `${'rate'.padStart(RATE_WIDTH)}${['sent', 'p50', 'p99', 'p99.9'].map((name) => name.padStart(WIDTH)).join('')}\n`
}

/** A step that is being made: the beginning of its line. */
export function stepBeginning(rate: number): string {
  return perSecond(rate).padStart(RATE_WIDTH)
}

/** The rest of the line. */
export function stepEnd({ run, verdicts, outcome, backlogGrowth }: Step): string {
  const { p50, p99, p999 } = run.latencyMs
  const figures = [perSecond(run.sentRate), ...[p50, p99, p999].map((value) => showTime(value))]
  const missed = verdicts
    .filter(({ passed }) => !passed)
    .map((one) => `misses ${one.threshold.text} (${showActual(one)})`)
    .join(', ')
  const said = {
    met: 'met',
    missed,
    behind: `not answered at that rate: the backlog grew by ${perSecond(backlogGrowth)}`,
    failed: `failed: ${failures(run)
      .map(([, text]) => text)
      .join('; ')}`,
    saturated: `generator saturated: ${run.saturatedBecause ?? ''}`,
  }[outcome]
  return `${figures.map((figure) => figure.padStart(WIDTH)).join('')}   ${said}\n`
}

/** The answer. */
export function searchReport({ highest, end, last }: Found, { slo, maxRate, precision }: SearchOptions): string {
  const wanted = slo.map(({ text }) => text).join(' and ')
  const found = highest === undefined ? 'no rate tried' : `${showWholeRate(highest)} requests a second`
  const within = `${Number((precision * 100).toFixed(2))} %`
  return `\n${
    {
      missed: `the highest rate that meets ${wanted}: ${found} (within ${within})`,
      never: `no rate meets ${wanted}, not even ${perSecond(last?.rate ?? 0)}`,
      saturated: `the generator was the limit: ${found} met ${wanted}, and it could not offer ${perSecond(last?.rate ?? 0)}; use --workers, or another machine`,
      limit: `${found} meets ${wanted}; more was not tried (--max-rate ${maxRate})`,
      interrupted: `interrupted: ${found} met ${wanted} so far`,
    }[end]
  }\n`
}
