import { describeActual, type ThresholdVerdict } from '../analysis/threshold.ts'
import type { RunFigures } from '../run/result.ts'
import { showNumber, showTime } from '../units/format.ts'
import type { RunDocument } from './document.ts'
import { failures, textReport } from './text-report.ts'

const LABEL_WIDTH = 12

/** The result as text: the shown run, all runs of `--repeat`, the thresholds. */
export function textDocument(document: RunDocument): string {
  const { shown, options, percentiles, thresholds } = document
  const lines = [...repeatLines(document), ...thresholdLines(thresholds)]
  return textReport(shown.result, options, percentiles) + lines.map((line) => `${line}\n`).join('')
}

function repeatLines({ runs, shownAt }: RunDocument): string[] {
  if (runs.length === 1) return []
  return runs.map((run, i) => {
    const { p50, p99 } = run.latencyMs
    const times = `p50 ${showTime(p50)}, p99 ${showTime(p99)}`
    const remark = i === shownAt ? '   ← shown above' : remarks(run)
    return labelled(i, 'runs', `${showNumber(run.acksPerSecond)} acks/s, ${times}${remark}`)
  })
}

/** Failures of a run that is not shown. */
function remarks(run: RunFigures): string {
  const texts = [
    ...failures(run).map(([, text]) => text),
    ...(run.interrupted ? ['interrupted'] : []),
    ...(run.saturated ? ['generator saturated'] : []),
  ]
  return texts.length === 0 ? '' : `   ${texts.join('; ')}`
}

function thresholdLines(verdicts: readonly ThresholdVerdict[]): string[] {
  return verdicts.map((one, i) => {
    const verdict = one.passed ? 'passed ' : 'CROSSED'
    return labelled(i, 'thresholds', `${verdict} ${one.threshold.text}: ${describeActual(one)}`)
  })
}

/** Only the first of several lines has a label. */
function labelled(i: number, label: string, line: string): string {
  return `${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}`
}
