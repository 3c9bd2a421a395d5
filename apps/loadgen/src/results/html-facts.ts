import { showValue } from '../judge/units.ts'
import { windowOf } from '../options.ts'
import type { RunDocument } from './document.ts'
import { type Markup, markup } from './markup.ts'

const count = (value: number) => value.toLocaleString('en-US')
const time = (value: number) => showValue('time', value)

/** The counts, the options and the machine. */
export function facts({ shown: { result }, options, environment }: RunDocument): Markup {
  const { generator } = result
  const counts: [string, string][] = [
    ['Requests', count(result.requests)],
    ['Acks', count(result.acks)],
    ['Failed acks', count(result.failedAcks)],
    ['Unanswered', count(result.unanswered)],
    ['Unsent', count(result.unsent)],
    ['Mismatched', count(result.mismatched)],
    ['Duplicates', count(result.duplicates)],
    ['Timed out', count(result.timedOut)],
    ['Connections lost', count(result.errors)],
    ['Reconnects', count(result.reconnects)],
    ['Waited for room', count(result.waited)],
    [
      'Generator',
      `${generator.workers === 1 ? '1 worker' : `${generator.workers} workers`}, ${Math.round(generator.cpuPercent)} % CPU`,
    ],
    [
      'Its event loop was late',
      `p99 ${time(generator.eventLoopDelayMs.p99)}, max ${time(generator.eventLoopDelayMs.max)}`,
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

/** Times as they would be typed. */
function times({ duration, warmup, timeout }: RunDocument['options']) {
  const show = (milliseconds: number) => (milliseconds < 1000 ? `${milliseconds}ms` : `${milliseconds / 1000}s`)
  return { duration: show(duration), warmup: show(warmup), timeout: show(timeout) }
}

/** What is not set is left out. */
function shownValues(values: object): [string, string][] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)])
}
