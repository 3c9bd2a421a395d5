import { showNumber, showValue } from '../judge/units.ts'
import type { RunResult } from '../result.ts'
import { Markup, markup } from './markup.ts'

const count = (value: number) => value.toLocaleString('en-US')
const time = (value: number) => showValue('time', value)

/** The places of the charts, each with what it shows in words. */
export function charts(result: RunResult): Markup {
  const { acksPerSecond, latencyMs, slices, errors, failedAcks } = result
  const rates = slices.map(({ acks, seconds }) => acks / seconds)
  const most = slices.reduce((peak, { inFlight }) => Math.max(peak, inFlight), 0)
  const slowest = Math.min(...rates, acksPerSecond)
  const fastest = Math.max(...rates, acksPerSecond)
  const troubles = slices.some((slice) => slice.errors + slice.failedAcks > 0)
  return markup`${chart('throughput', 'Throughput over time', `Answers a second, from ${showNumber(slowest)}/s to ${showNumber(fastest)}/s.`)}
${chart('latency', 'Response time over time', `Percentiles of each slice of time, on a logarithmic scale. Over the whole run: p50 ${time(latencyMs.p50)}, p99 ${time(latencyMs.p99)}, p99.9 ${time(latencyMs.p999)}.`)}
${chart('distribution', 'Percentile distribution', `How slow the slowest are: from ${time(latencyMs.min)} to ${time(latencyMs.max)}. Each step to the right is ten times as rare.`)}
<div class="pair">
${chart('in-flight', 'In flight', `Requests sent and not answered, at most ${count(most)} at the end of a slice.`)}
${chart('troubles', 'Errors', errors + failedAcks === 0 ? 'No request failed, no connection was lost.' : `${count(failedAcks)} requests were answered with a failure, ${count(errors)} connections were lost.`, !troubles)}
</div>`
}

function chart(id: string, title: string, caption: string, quiet = false): Markup {
  return markup`<section${new Markup(quiet ? ' class="quiet"' : '')}><h2 id="${id}-title">${title}</h2>
<figure role="group" aria-labelledby="${id}-title"><figcaption>${caption}</figcaption><div class="chart" id="${id}"></div></figure></section>`
}
