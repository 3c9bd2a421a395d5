import { describeActual } from '../analysis/threshold.ts'
import { percentileName, percentileOf } from '../run/percentiles.ts'
import type { RunFigures } from '../run/result.ts'
import { hasFailed, isClean } from '../run/verdict.ts'
import { showCount, showNumber, showTime } from '../units/format.ts'
import type { RunDocument } from './document.ts'
import { failureFigures } from './html-failures.ts'
import { type Markup, markup } from './markup.ts'
import { failures, interruptedText } from './text-report.ts'

type Kind = 'good' | 'warn' | 'bad'

const SIGNS: Readonly<Record<Kind, string>> = { good: '✓', warn: '!', bad: '✕' }

/** The verdict on all runs in words: a line for each failure and each threshold. */
export function verdict({ shown: { result }, runs, thresholds }: RunDocument): Markup {
  const lines = runs.flatMap((run, i) => runLines(run, runs.length === 1 ? undefined : i + 1))
  if (runs.every(isClean)) {
    lines.unshift(
      line('good', 'Clean.', `Each of ${showCount(result.requests)} requests was answered once, with success.`),
    )
  }
  for (const one of thresholds) {
    const text = `${one.threshold.text}, ${describeActual(one)}`
    lines.push(one.passed ? line('good', 'Passed:', text) : line('bad', 'Crossed:', text))
  }
  return markup`<ul class="verdict">${lines}</ul>`
}

/** @param number of the run, from 1, if there are several */
function runLines(run: RunFigures, number: number | undefined): Markup[] {
  const of = number === undefined ? '' : ` in run ${number}`
  const texts = failures(run).map(([, text]) => text)
  const failed = hasFailed(run)
  const saturated = [run.saturatedBecause ?? '', ...(failed ? [] : texts)].join('; ')
  return [
    ...(failed
      ? [line('bad', number === undefined ? 'The run failed.' : `Run ${number} failed.`, texts.join('; '))]
      : []),
    ...(run.interrupted ? [line('warn', `Interrupted${of}.`, interruptedText(run))] : []),
    ...(run.saturated ? [line('warn', `Generator saturated${of}.`, saturated)] : []),
  ]
}

function line(kind: Kind, head: string, text: string): Markup {
  return markup`<li class="${kind}"><span aria-hidden="true">${SIGNS[kind]}</span><span><strong>${head}</strong> ${text}</span></li>`
}

/** The key figures. Failures are red. */
export function tiles({ shown: { result }, percentiles }: RunDocument): Markup {
  const { acksPerSecond, latencyMs, offeredRate, durationSeconds, interrupted } = result
  const all: [name: string, value: string, bad?: boolean][] = [
    ['Throughput', `${showNumber(acksPerSecond)}/s`],
    ...(offeredRate === null ? [] : [['Offered', `${showNumber(offeredRate)}/s`] satisfies [string, string]]),
    ...percentiles.map((one): [string, string] => [
      percentileName(one),
      showTime(percentileOf(result, 'latencyMs', one)),
    ]),
    ['Max', showTime(latencyMs.max)],
    [interrupted ? 'Duration, interrupted' : 'Duration', `${durationSeconds} s`, interrupted],
    ...failureFigures(result).map(([name, value]): [string, string, boolean] => [name, value, true]),
  ]
  return markup`<dl class="tiles">${all.map(([name, value, bad = false]) => markup`<div class="${bad ? 'tile bad' : 'tile'}"><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}
