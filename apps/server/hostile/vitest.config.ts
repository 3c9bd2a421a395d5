import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { FiguresReporter } from './stage/figures-reporter.ts'
import { seedOfRun } from './stage/seed.ts'
import { SoakFirst } from './stage/soak-first.ts'

const seed = seedOfRun()

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The rows that measure times, processor or memory of idle servers: they have the machine for themselves. */
const ALONE = ['idle-connections', 'never-reading', 'firehose', 'open-file-limit', 'worker-killed', 'workers-even']

const files = (names: readonly string[]) => names.map((name) => `hostile/${name}.test.ts`)

/** In CI the count of tests is taken from it: scripts/count-tests.mjs. */
const REPORT: ['json', { outputFile: string }] = ['json', { outputFile: 'node_modules/.vitest-hostile-report.json' }]

/** The soak, and what runs beside it. */
const SOAK = ['soak']

/** A part of the suite: rows of the same group run at the same time, groups one after the other. */
function part(name: string, include: readonly string[], exclude: readonly string[], maxWorkers: number, group: number) {
  return {
    root: path('..'),
    test: {
      name,
      include: files(include),
      exclude: files(exclude),
      maxWorkers,
      sequence: { groupOrder: group },
      hookTimeout: 60_000,
      env: { HOSTILE_SEED: String(seed) },
    },
  }
}

const soak = part('soak', SOAK, [], 2, 0)

/**
 * The suite of hostile peers. The soak takes three of its five minutes, with half the load that the machine can take; so
 * the rows that only count run beside it, one after the other. Then come those that measure, alone.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: SoakFirst },
    reporters: ['default', new FiguresReporter(seed), ...(process.env['CI'] ? [REPORT] : [])],
    projects: [
      { ...soak, test: { ...soak.test, globalSetup: [path('./stage/capacity.ts')] } },
      part('counted', ['*'], [...SOAK, ...ALONE], 2, 0),
      part('measured', ALONE, [], 1, 1),
    ],
  },
})
