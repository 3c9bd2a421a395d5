import { showNumber, showValue } from '../judge/units.ts'
import type { RunResult, Summary } from '../result.ts'
import type { RunDocument } from './document.ts'
import { type Markup, markup } from './markup.ts'

const count = (value: number) => value.toLocaleString('en-US')
const time = (value: number) => showValue('time', value)

/** The distributions side by side. */
export function latencies({ latencyMs, serviceTimeMs, scheduleLagMs, offeredRate }: RunResult): Markup {
  const rows: [string, Summary][] = [
    [offeredRate === null ? 'Response time' : 'Response time, from when a request was to be sent', latencyMs],
    ...(offeredRate === null
      ? []
      : [['Service time, from when it was really sent', serviceTimeMs] satisfies [string, Summary]]),
    ...(scheduleLagMs === null ? [] : [['Schedule lag', scheduleLagMs] satisfies [string, Summary]]),
  ]
  const heads = ['min', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max']
  const cells = ({ min, mean, p50, p90, p99, p999, max }: Summary) =>
    [min, mean, p50, p90, p99, p999, max].map((value) => markup`<td>${time(value)}</td>`)
  return markup`<section><h2>Latencies</h2><div class="table"><table>
<thead><tr><th scope="col"></th>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(([name, summary]) => markup`<tr><th scope="row">${name}</th>${cells(summary)}</tr>`)}</tbody>
</table></div></section>`
}

/** The runs of `--repeat`, one a row. */
export function repeats({ runs, shownAt }: RunDocument): Markup {
  if (runs.length === 1) return markup``
  const rows = runs.map(
    (run, i) => markup`<tr><th scope="row">${i + 1}${i === shownAt ? ', shown here' : ''}</th>
<td>${showNumber(run.acksPerSecond)}/s</td><td>${time(run.latencyMs.p50)}</td><td>${time(run.latencyMs.p99)}</td><td>${time(run.latencyMs.p999)}</td><td>${time(run.latencyMs.max)}</td></tr>`,
  )
  return markup`<section><h2>Runs</h2><div class="table"><table>
<thead><tr><th scope="col">Run</th><th scope="col">acks/s</th><th scope="col">p50</th><th scope="col">p99</th><th scope="col">p99.9</th><th scope="col">max</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>`
}

/** What the charts over time draw, for who can't see them. */
export function slices({ slices: all }: RunResult): Markup {
  const heads = ['at', 'acks/s', 'p50', 'p99', 'p99.9', 'max', 'in flight', 'failed', 'errors']
  const rows = all.map((one) => {
    const latency = (value: number) => (one.acks > 0 ? time(value) : '–')
    return markup`<tr><th scope="row">${one.atSeconds.toFixed(2)} s</th><td>${count(Math.round(one.acks / one.seconds))}</td><td>${latency(one.p50)}</td><td>${latency(one.p99)}</td><td>${latency(one.p999)}</td><td>${latency(one.max)}</td><td>${count(one.inFlight)}</td><td>${count(one.failedAcks)}</td><td>${count(one.errors)}</td></tr>`
  })
  return markup`<section><h2>Over time</h2><details><summary>${count(all.length)} slices, as a table</summary><div class="table slices" tabindex="0"><table>
<thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div></details></section>`
}
