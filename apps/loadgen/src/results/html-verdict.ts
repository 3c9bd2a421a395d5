import type { JudgedRun } from '../judge/metrics.ts'
import { showActual } from '../judge/threshold.ts'
import { showNumber, showValue } from '../judge/units.ts'
import { troubles } from '../report.ts'
import type { RunResult } from '../result.ts'
import { hasFailed, isClean } from '../verdict.ts'
import type { RunDocument } from './document.ts'
import { type Markup, markup } from './markup.ts'

const count = (value: number) => value.toLocaleString('en-US')
const time = (value: number) => showValue('time', value)

type Kind = 'good' | 'warn' | 'bad'

const SIGNS: Readonly<Record<Kind, string>> = { good: '✓', warn: '!', bad: '✕' }

/** What to think of the run, or of all runs, in words: each trouble and each threshold is a line. */
export function verdict({ shown: { result }, runs, thresholds }: RunDocument): Markup {
  const lines = runs.flatMap((run, i) => runLines(run, runs.length === 1 ? undefined : i + 1))
  if (runs.every(isClean)) {
    lines.unshift(line('good', 'Clean.', `Each of ${count(result.requests)} requests was answered once, with success.`))
  }
  for (const one of thresholds) {
    const said = `${one.threshold.text}, it is ${showActual(one)}`
    lines.push(one.passed ? line('good', 'Passed:', said) : line('bad', 'Crossed:', said))
  }
  return markup`<ul class="verdict">${lines}</ul>`
}

/** @param number of a run of several, from 1 */
function runLines(run: JudgedRun, number: number | undefined): Markup[] {
  const of = number === undefined ? '' : ` in run ${number}`
  const texts = troubles(run).map(([, text]) => text)
  const failed = hasFailed(run)
  const saturated = [run.saturatedBecause ?? '', ...(failed ? [] : texts)].join('; ')
  return [
    ...(failed
      ? [line('bad', number === undefined ? 'The run failed.' : `Run ${number} failed.`, texts.join('; '))]
      : []),
    ...(run.saturated ? [line('warn', `Generator saturated${of}.`, saturated)] : []),
  ]
}

function line(kind: Kind, head: string, said: string): Markup {
  return markup`<li class="${kind}"><span aria-hidden="true">${SIGNS[kind]}</span><span><strong>${head}</strong> ${said}</span></li>`
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
