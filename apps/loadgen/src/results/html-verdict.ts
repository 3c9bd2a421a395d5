import { showActual } from '../judge/threshold.ts'
import { showNumber, showValue } from '../judge/units.ts'
import { isClean, troubles } from '../report.ts'
import type { RunResult } from '../result.ts'
import type { RunDocument } from './document.ts'
import { type Markup, markup } from './markup.ts'

const count = (value: number) => value.toLocaleString('en-US')
const time = (value: number) => showValue('time', value)

/** What to think of the run, in words: each trouble and each threshold is a line. */
export function verdict({ shown: { result }, runs, thresholds }: RunDocument): Markup {
  const crossed = thresholds.filter(({ passed }) => !passed)
  const clean = runs.every(isClean)
  const saturated = runs.find((run) => run.saturated)
  const lines: Markup[] = []
  if (!clean) {
    lines.push(markup`<li><strong>The run failed.</strong></li>`)
    for (const trouble of troubles(result)) lines.push(markup`<li>${trouble}</li>`)
  }
  if (saturated !== undefined) {
    lines.push(markup`<li><strong>Generator saturated.</strong> ${saturated.saturatedBecause ?? ''}</li>`)
  }
  for (const one of thresholds) {
    const said = one.passed ? 'Passed' : markup`<strong>Crossed</strong>`
    lines.push(markup`<li>${said}: ${one.threshold.text}, it is ${showActual(one)}</li>`)
  }
  if (clean)
    lines.unshift(
      markup`<li><strong>Clean.</strong> Each of ${count(result.requests)} requests was answered once, with success.</li>`,
    )
  const kind = !clean || crossed.length > 0 ? 'bad' : saturated !== undefined ? 'warn' : 'good'
  return markup`<div class="verdict ${kind}" role="status"><span class="sign" aria-hidden="true">${{ bad: '✕', warn: '!', good: '✓' }[kind]}</span><ul>${lines}</ul></div>`
}

/** The figures that everybody looks for first. */
export function tiles({ acksPerSecond, latencyMs, offeredRate, durationSeconds }: RunResult): Markup {
  const all: [string, string][] = [
    ['Throughput', `${showNumber(acksPerSecond)}/s`],
    ...(offeredRate === null ? [] : [['Offered', `${showNumber(offeredRate)}/s`] satisfies [string, string]]),
    ['p50', time(latencyMs.p50)],
    ['p99', time(latencyMs.p99)],
    ['p99.9', time(latencyMs.p999)],
    ['Max', time(latencyMs.max)],
    ['Duration', `${durationSeconds} s`],
  ]
  return markup`<dl class="tiles">${all.map(([name, value]) => markup`<div class="tile"><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}
