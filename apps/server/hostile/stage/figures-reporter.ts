import type { Reporter, TestCase, TestModule } from 'vitest/node'
import type { Figure } from './figures.ts'

interface Row {
  readonly number: number
  readonly name: string
  readonly seconds: number
  readonly figures: readonly Figure[]
}

/** Prints the figures of all rows beside their limits, when the last test is through. */
export class FiguresReporter implements Reporter {
  readonly #seed: number
  readonly #startedAt = performance.now()

  constructor(seed: number) {
    this.#seed = seed
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.flatMap((module) => [...module.children.allTests()].flatMap(rowOf))
    rows.sort((a, b) => a.number - b.number)
    const all = rows.flatMap(({ figures }) => figures)
    const [what, value, limit] = (['what', 'value', 'limit'] as const).map((name) => width(all, name))
    for (const { number, name, seconds, figures } of rows) {
      console.log(`\n${String(number).padStart(2)}  ${name} (${seconds.toFixed(1)} s)`)
      for (const figure of figures) {
        const line = `${figure.what.padEnd(what)}  ${figure.value.padStart(value)}   ${figure.limit.padEnd(limit)}`
        console.log(`    ${line.trimEnd()}${figure.reached ? '' : '   MISSED'}`)
      }
    }
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(0)
    const missed = all.filter(({ reached }) => !reached).length
    console.log(`\n${rows.length} rows, ${missed} limits missed, ${seconds} s; HOSTILE_SEED=${this.#seed}\n`)
  }
}

function rowOf(test: TestCase): Row[] {
  const { row, figures } = test.meta()
  if (row === undefined || figures === undefined) return []
  return [{ number: row, name: test.name, seconds: (test.diagnostic()?.duration ?? 0) / 1000, figures }]
}

function width(figures: readonly Figure[], name: 'what' | 'value' | 'limit'): number {
  return Math.max(0, ...figures.map((figure) => figure[name].length))
}
