import type { CompareOptions, Comparison, Row, Side } from '../analysis/compare.ts'
import { NONE, showNumber, showValue } from '../units/format.ts'

const HEADINGS = ['', 'before', 'after', 'change', 'p', 'verdict'] as const

const percent = (fraction: number, digits = 1) => `${(fraction * 100).toFixed(digits)} %`

/** The comparison as text: a table, how it was made, and the verdict. */
export function compareReport(comparison: Comparison, options: CompareOptions, warnings: readonly string[]): string {
  const { rows, runs, enough, paired, verdict } = comparison
  const what = paired
    ? `medians of ${runs.before} pairs of interleaved runs, and the median change`
    : `medians of ${runs.before} and ${runs.after} runs`
  const basis = enough
    ? `${what}; ± is their noise; p is the probability of such a difference between equal builds`
    : `${what}: too few for statistics, so only a difference above ${percent(options.wideFloor, 0)} counts; see --repeat`
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(warnings.length > 0 ? [''] : []),
    ...table(rows),
    '',
    basis,
    verdictLine(rows, verdict),
    '',
  ].join('\n')
}

function table(rows: readonly Row[]): string[] {
  const cells: readonly (readonly string[])[] = [HEADINGS, ...rows.map(rowCells)]
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const isText = (column: number) => column === 0 || column === HEADINGS.length - 1
  return cells.map((row) =>
    row
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  )
}

function rowCells({ metric, before, after, change, p, verdict }: Row): readonly string[] {
  const show = ({ median, noise }: Side) =>
    `${showValue(metric.kind, median)}${noise === null ? '' : ` ± ${percent(noise)}`}`
  return [metric.name, show(before), show(after), changeCell(before, after, change), showP(p), verdict]
}

function changeCell(before: Side, after: Side, change: number | null): string {
  if (before.median === null || after.median === null) return NONE
  return change === null ? 'from 0' : showChange(change)
}

function showChange(change: number): string {
  return `${change > 0 ? '+' : change < 0 ? '−' : ''}${percent(Math.abs(change))}`
}

function showP(p: number | null): string {
  if (p === null) return ''
  return p < 0.001 ? '<0.001' : p.toFixed(3)
}

function verdictLine(rows: readonly Row[], verdict: Comparison['verdict']): string {
  const named = (wanted: Row['verdict']) =>
    rows
      .filter((row) => row.verdict === wanted)
      .map(({ metric, change, after }) =>
        change === null ? `${metric.name} ${showNumber(after.median ?? 0)}` : `${metric.name} ${showChange(change)}`,
      )
      .join(', ')
  if (verdict === 'no difference seen') return 'verdict: no difference seen'
  if (verdict === 'nothing to compare') return `verdict: nothing to compare (${nothing(rows)})`
  const other = verdict === 'worse' ? named('better') : ''
  return `verdict: ${verdict} (${named(verdict)})${other === '' ? '' : `, but better in ${other}`}`
}

/** The missing figures, and on which side. */
function nothing(rows: readonly Row[]): string {
  return rows
    .filter(({ verdict }) => verdict === 'nothing to compare')
    .map(({ metric, before, after }) => {
      const sides = [...(before.median === null ? ['before'] : []), ...(after.median === null ? ['after'] : [])]
      return `no ${metric.name} ${sides.join(' and ')}`
    })
    .join(', ')
}
