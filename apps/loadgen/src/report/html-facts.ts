import { windowOf } from '../engine/options.ts'
import { showCount, showTime } from '../units/format.ts'
import type { RunDocument } from './document.ts'
import { type Markup, markup } from './markup.ts'

/** The counts, the options and the environment. */
export function facts({ shown: { result }, options, environment }: RunDocument): Markup {
  const { generator } = result
  const counts: [string, string][] = [
    ['Requests', showCount(result.requests)],
    ['Acks', showCount(result.acks)],
    ['Failed acks', showCount(result.failedAcks)],
    ['Unanswered', showCount(result.unanswered)],
    ['Of these, lost', showCount(result.lost)],
    ['Of these, overdue', showCount(result.overdue)],
    ['Unsent', showCount(result.unsent)],
    ['Mismatched', showCount(result.mismatched)],
    ['Duplicates', showCount(result.duplicates)],
    ['Timed out', showCount(result.timedOut)],
    ['Of these, late', showCount(result.late)],
    ['Connections lost', showCount(result.errors)],
    ['Outages', `${showCount(result.outages.length)}, ${showTime(result.outageSeconds * 1000)}`],
    ['Reconnects', showCount(result.reconnects)],
    ['Waited for room', showCount(result.waited)],
    [
      'Generator',
      `${generator.workers === 1 ? '1 worker' : `${generator.workers} workers`}, ${Math.round(generator.cpuPercent)} % CPU`,
    ],
    [
      'Event loop delay',
      `p99 ${showTime(generator.eventLoopDelayMs.p99)}, max ${showTime(generator.eventLoopDelayMs.max)}`,
    ],
  ]
  return markup`<div class="triple">
${factTable('Counts', counts)}
${factTable('Options', shownValues({ ...options, window: windowOf(options), ...times(options) }))}
${factTable('Environment', shownValues({ ...environment, memoryBytes: undefined, memory: `${(environment.memoryBytes / 1024 ** 3).toFixed(1)} GiB` }))}
</div>`
}

function factTable(title: string, rows: readonly [string, string][]): Markup {
  return markup`<section class="facts"><h2>${title}</h2><div class="table"><table>
<tbody>${rows.map(([name, value]) => markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table></div></section>`
}

/** Times as they are typed. */
function times({ duration, warmup, timeout }: RunDocument['options']) {
  const show = (milliseconds: number) => (milliseconds < 1000 ? `${milliseconds}ms` : `${milliseconds / 1000}s`)
  return { duration: show(duration), warmup: show(warmup), timeout: show(timeout) }
}

/** Values that are not set are left out. */
function shownValues(values: object): [string, string][] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)])
}
