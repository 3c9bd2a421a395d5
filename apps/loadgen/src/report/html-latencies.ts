import type { Summary } from '../engine/distribution.ts'
import { percentileName, percentileOf, type Times } from '../run/percentiles.ts'
import type { RunResult } from '../run/result.ts'
import { NONE, showCount, showNumber, showTime } from '../units/format.ts'
import { perSecond } from '../units/per-second.ts'
import type { RunDocument } from './document.ts'
import { type Markup, markup } from './markup.ts'
import { targetFailures } from './text-report.ts'

const EXPLANATIONS: Readonly<Record<Times, readonly [name: string, text: string]>> = {
  latencyMs: ['Response', 'Response time, from when a request was due'],
  serviceTimeMs: ['Service', 'Service time, from when it was sent'],
  scheduleLagMs: ['Lag', 'Schedule lag, how late the generator looked at it'],
}

/** The distributions side by side. Each is a column, so that they fit on a phone. */
export function latencies({ shown: { result }, percentiles }: RunDocument): Markup {
  const open = result.offeredRate !== null
  const columns: readonly Times[] = open ? ['latencyMs', 'serviceTimeMs', 'scheduleLagMs'] : ['latencyMs']
  const bound = (name: keyof Summary): Row => [name, columns.map((times) => result[times]?.[name] ?? null)]
  const rows: readonly Row[] = [
    bound('min'),
    bound('mean'),
    ...percentiles.map((one): Row => [percentileName(one), columns.map((times) => percentileOf(result, times, one))]),
    bound('max'),
  ]
  const heads = open ? columns.map((times) => EXPLANATIONS[times][0]) : ['Response time']
  const explanation = open
    ? columns.map((times) => EXPLANATIONS[times][1]).join('; ')
    : 'Response time, from when a request was sent to its answer'
  return markup`<section><h2>Latencies</h2><p class="muted">${explanation}.${neverAnswered(result)}</p><div class="table latencies"><table>
<thead><tr><th scope="col"></th>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(([name, values]) => markup`<tr><th scope="row">${name}</th>${values.map((value) => markup`<td>${showTime(value)}</td>`)}</tr>`)}</tbody>
</table></div></section>`
}

type Row = readonly [name: string, values: readonly (number | null)[]]

function neverAnswered({ neverAnswered: many, acks }: RunResult): string {
  if (many === 0 || acks === 0) return ''
  return ` ${showCount(many)} requests were never answered. They count as the timeout, or as long as they had waited.`
}

/** The runs of `--repeat`, one in each row. */
export function repeats({ runs, shownAt }: RunDocument): Markup {
  if (runs.length === 1) return markup``
  const rows = runs.map((run, i) => {
    const remarks = [i === shownAt ? ', shown here' : '', run.interrupted ? ', interrupted' : ''].join('')
    const times = [run.latencyMs.p50, run.latencyMs.p99, run.latencyMs.p999, run.latencyMs.max]
    return markup`<tr><th scope="row">${i + 1}${remarks}</th>
<td>${showNumber(run.acksPerSecond)}/s</td>${times.map((value) => markup`<td>${showTime(value)}</td>`)}</tr>`
  })
  return markup`<section><h2>Runs</h2><div class="table"><table>
<thead><tr>${['Run', 'acks/s', 'p50', 'p99', 'p99.9', 'max'].map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div></section>`
}

/** Several targets, one in each row. */
export function targets({ targets: all }: RunResult): Markup {
  if (all.length === 0) return markup``
  const rows = all.map((one) => {
    const { p50, p99, max } = one.latencyMs
    const failures = targetFailures(one)
    return markup`<tr><th scope="row">${one.target}</th><td>${showNumber(one.acksPerSecond)}/s</td>${[p50, p99, max].map((value) => markup`<td>${showTime(value)}</td>`)}<td class="wrong">${failures.join(', ') || NONE}</td></tr>`
  })
  return markup`<section><h2>Targets</h2><div class="table"><table>
<thead><tr>${['Target', 'acks/s', 'p50', 'p99', 'max', 'failures'].map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div></section>`
}

/** The data of the charts over time, for readers who can't see them. */
export function slices({ slices: all }: RunResult): Markup {
  const heads = ['at', 'acks/s', 'p50', 'p99', 'p99.9', 'max', 'in flight', 'unsent', 'failed', 'late', 'lost', 'down']
  const rows = all.map((one) => {
    const times = [one.p50, one.p99, one.p999, one.max].map(showTimeOf)
    const counts = [one.inFlight, one.unsent, one.failedAcks, one.late, one.connectionsLost, one.connectionsDown]
    const cells = [showNumber(perSecond(one.acks, one.seconds)), ...times, ...counts.map(showCount)]
    return markup`<tr><th scope="row">${one.atSeconds.toFixed(2)} s</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`
  })
  return markup`<section><h2>Over time</h2><details><summary>${showCount(all.length)} slices, as a table</summary><div class="table slices" tabindex="0"><table>
<thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div></details></section>`
}

const showTimeOf = (value: number | null) => showTime(value)
