import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { type Engine, enginesOfRun } from './fixture/engine.ts'
import { FiguresReporter } from './fixture/figures-reporter.ts'
import { seedOfRun } from './fixture/seed.ts'
import { SoakFirst } from './fixture/soak-first.ts'

const seed = seedOfRun()

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The scenarios that measure times, processor, or memory of idle servers. Nothing else runs beside them. */
const ALONE = ['idle-connections', 'never-reading', 'firehose', 'open-file-limit', 'worker-killed', 'workers-even']

const files = (names: readonly string[]) => names.map((name) => `hostile/${name}.test.ts`)

/** In CI, scripts/count-tests.mjs counts the tests in this report. */
const REPORT: ['json', { outputFile: string }] = ['json', { outputFile: 'node_modules/.vitest-hostile-report.json' }]

const SOAK = ['soak']

/** What the native engine does not do. */
const TLS = ['tls-refused']

/** A part of the suite. Parts with the same group number run at the same time, groups one after the other. */
function part(
  name: string,
  include: readonly string[],
  exclude: readonly string[],
  maxWorkers: number,
  group: number,
  engine: Engine,
) {
  return {
    root: path('..'),
    test: {
      name: `${engine}-${name}`,
      include: files(include),
      exclude: files(exclude),
      maxWorkers,
      sequence: { groupOrder: group },
      hookTimeout: 60_000,
      env: { HOSTILE_SEED: String(seed), HOSTILE_ENGINE: engine },
    },
  }
}

/** The parts for one engine. @param group the number of its first group */
function partsFor(engine: Engine, group: number, soaks: boolean) {
  const soak = part('soak', SOAK, [], 2, group, engine)
  const notHere = engine === 'native' ? TLS : []
  return [
    ...(soaks ? [{ ...soak, test: { ...soak.test, globalSetup: [path('./fixture/capacity.ts')] } }] : []),
    part('counted', ['*'], [...SOAK, ...ALONE, ...notHere], 2, group, engine),
    part('measured', ALONE, [], 1, group + 1, engine),
  ]
}

/**
 * The suite of hostile peers, once for each engine. The soak takes three minutes, with half of the machine's capacity: in
 * a run of both engines it is on the first only, the one of `auto`. Scenarios that only count run beside it, one after the other. Those that measure run alone afterwards.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: SoakFirst },
    reporters: ['default', new FiguresReporter(seed), ...(process.env['CI'] ? [REPORT] : [])],
    projects: enginesOfRun().flatMap((engine, i) => partsFor(engine, 2 * i, i === 0)),
  },
})
