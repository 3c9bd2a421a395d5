import { defineConfig } from 'vitest/config'
import { FiguresReporter } from './stage/figures-reporter.ts'
import { seedOfRun } from './stage/seed.ts'
import { SoakFirst } from './stage/soak-first.ts'

const seed = seedOfRun()

/** The rows that measure times, processor or memory of idle servers: they have the machine for themselves. */
const ALONE = ['idle-connections', 'never-reading', 'firehose', 'open-file-limit']

const files = (names: readonly string[]) => names.map((name) => `hostile/${name}.test.ts`)

const common = { testTimeout: 60_000, hookTimeout: 60_000, env: { HOSTILE_SEED: String(seed) } }

/**
 * The suite of hostile peers. The soak takes three of its five minutes, with half the load that the machine can take; so
 * the rows that only count run beside it, one after the other. Then come those that measure, alone.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: SoakFirst },
    reporters: [
      'default',
      new FiguresReporter(seed),
      // In CI the count of tests is taken from the report: scripts/count-tests.mjs.
      ...(process.env['CI'] ? [['json', { outputFile: 'node_modules/.vitest-hostile-report.json' }] as const] : []),
    ],
    projects: [
      {
        root: 'apps/server',
        test: {
          ...common,
          name: 'counted',
          include: ['hostile/*.test.ts'],
          exclude: files(ALONE),
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        root: 'apps/server',
        test: {
          ...common,
          name: 'measured',
          include: files(ALONE),
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
