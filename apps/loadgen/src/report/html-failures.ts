import type { RunResult } from '../run/result.ts'
import { showCount, showTime } from '../units/format.ts'
import { type Markup, markup } from './markup.ts'

/** Each kind of failure that occurred, with its figure. */
export function failureFigures(result: RunResult): [name: string, value: string][] {
  const { failedAcks, late, overdue, lost, unsent, errors, mismatched, duplicates, outages, outageSeconds } = result
  const counts: readonly [string, number][] = [
    ['Failed', failedAcks],
    ['Timed out: late', late],
    ['Timed out: overdue', overdue],
    ['Lost requests', lost],
    ['Unsent', unsent],
    ['Connections lost', errors],
    ['Mismatched', mismatched],
    ['Duplicates', duplicates],
  ]
  return [
    ...counts.filter(([, many]) => many > 0).map(([name, many]): [string, string] => [name, showCount(many)]),
    ...(outages.length > 0
      ? [[outageName(outages.length), showTime(outageSeconds * 1000)] satisfies [string, string]]
      : []),
  ]
}

const outageName = (many: number) => (many === 1 ? 'Outage' : `${showCount(many)} outages`)

/** The caption of the chart of errors. */
export function failureCaption(result: RunResult): string | Markup {
  const figures = failureFigures(result)
  if (figures.length === 0) return 'No request failed, was late, lost or never sent, and no connection was lost.'
  return markup`<span class="wrong">${figures.map(([name, value]) => `${name} ${value}`).join(' · ')}</span>`
}
