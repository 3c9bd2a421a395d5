import type { RunResult } from '../run/result.ts'
import { showCount, showNumber, showTime } from '../units/format.ts'
import { perSecond } from '../units/per-second.ts'
import { failureCaption } from './html-failures.ts'
import { Markup, markup } from './markup.ts'

/** A place for each chart, with a caption that says what it shows. */
export function charts(result: RunResult): Markup {
  const { acksPerSecond, latencyMs, slices, outages, offeredRate } = result
  const rates = slices.map(({ acks, seconds }) => perSecond(acks, seconds))
  const most = slices.reduce((peak, { inFlight }) => Math.max(peak, inFlight), 0)
  const slowest = Math.min(...rates, acksPerSecond)
  const fastest = Math.max(...rates, acksPerSecond)
  const backlog = slices.reduce((peak, { unsent }) => Math.max(peak, unsent), 0)
  const drawn = slices.some(
    (slice) => slice.connectionsLost + slice.connectionsDown + slice.late + slice.failedAcks > 0,
  )
  const marked = outages.length === 0 ? '' : ' Outages are marked.'
  const due = offeredRate === null ? '' : `; due and not sent: at most ${showCount(backlog)}`
  return markup`${chart('throughput', 'Throughput over time', `Answers a second, from ${showNumber(slowest)}/s to ${showNumber(fastest)}/s.${marked}`)}
${chart('latency', 'Response time over time', `Percentiles of each slice of time, on a logarithmic scale. Over the whole run: p50 ${showTime(latencyMs.p50)}, p99 ${showTime(latencyMs.p99)}, p99.9 ${showTime(latencyMs.p999)}.`)}
${chart('distribution', 'Percentile distribution', `How slow the slowest are: from ${showTime(latencyMs.min)} to ${showTime(latencyMs.max)}. Each step to the right is ten times as rare.`)}
<div class="pair">
${chart('in-flight', 'In flight', `Requests sent and not answered, at most ${showCount(most)}${due}, at the end of a slice.`)}
${chart('failures', 'Errors', failureCaption(result), !drawn)}
</div>`
}

function chart(id: string, title: string, caption: string | Markup, quiet = false): Markup {
  return markup`<section${new Markup(quiet ? ' class="quiet"' : '')}><h2 id="${id}-title">${title}</h2>
<figure role="group" aria-labelledby="${id}-title"><figcaption>${caption}</figcaption><div class="chart" id="${id}"></div></figure></section>`
}
