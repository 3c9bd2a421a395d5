import { type ExitError, type Flags, flag, listFlag, OptionError, parseText, usageError, type Values } from '@demo/cli'
import { compare } from './analysis/compare.ts'
import { incomparabilities } from './analysis/incomparabilities.ts'
import { pairInterleavedRuns } from './analysis/interleaved-runs.ts'
import { FAILURES, findMetric, type Metric } from './analysis/metrics.ts'
import { type RunFile, readRun } from './analysis/run-file.ts'
import { LoadgenStatus } from './exit-status.ts'
import { compareReport } from './report/compare-report.ts'
import { parseLatency, parseShare } from './units/parse.ts'

/** @throws OptionError if it is not between 0 and 1 */
function parseRisk(text: string): number {
  const value = parseShare(text)
  if (!(value > 0 && value < 1)) throw new OptionError('expected a share above 0% and below 100%, like 5%')
  return value
}

/** Only three: the metrics share the risk of a false alarm, so more metrics need more runs. */
const STANDARD_METRICS = ['acksPerSecond', 'p50', 'p99']

export const COMPARE_FLAGS = {
  before: listFlag('--before <file>', 'another result of the build before; can be given several times', parseText),
  after: listFlag('--after <file>', 'another result of the build after; can be given several times', parseText),
  metric: listFlag('--metric <name>', `metrics to compare (default: ${STANDARD_METRICS.join(', ')})`, findMetric),
  relativeFloor: flag('--relative-floor <share>', 'smallest change that is a difference', parseShare, '5%'),
  absoluteFloor: flag(
    '--absolute-floor <time>',
    'smallest change of a time that is a difference',
    parseLatency,
    '10us',
  ),
  wideFloor: flag(
    '--wide-floor <share>',
    'the relative floor if there are too few runs for statistics',
    parseShare,
    '25%',
  ),
  risk: flag('--risk <share>', 'highest probability that equal builds are reported as different', parseRisk, '5%'),
} satisfies Flags

/**
 * `demo-loadgen compare before.json after.json`.
 *
 * @param files two, or none if flags name them
 * @returns the exit status
 */
export async function runCompare(files: readonly string[], values: Values<typeof COMPARE_FLAGS>): Promise<number> {
  const { before: moreBefore = [], after: moreAfter = [], metric = STANDARD_METRICS.map(findMetric), ...rest } = values
  if (files.length !== 0 && files.length !== 2) throw usage()
  const names = { before: [...files.slice(0, 1), ...moreBefore], after: [...files.slice(1), ...moreAfter] }
  if (names.before.length === 0 || names.after.length === 0) throw usage()

  const options = { ...rest, metrics: [...new Set(metric)] }
  const [before, after] = [await readAll(names.before, options.metrics), await readAll(names.after, options.metrics)]
  const pairs = pairInterleavedRuns(before, after)
  const [first, second] = pairs ?? [before, after]
  const comparison = compare(
    first.flatMap(({ runs }) => runs),
    second.flatMap(({ runs }) => runs),
    options,
    pairs !== undefined,
  )
  process.stdout.write(compareReport(comparison, options, incomparabilities(before, after)))
  if (comparison.verdict === 'nothing to compare') return LoadgenStatus.failed
  return comparison.verdict === 'worse' ? LoadgenStatus.crossed : LoadgenStatus.ok
}

async function readAll(names: readonly string[], metrics: readonly Metric[]): Promise<RunFile[]> {
  return Promise.all(names.map((name) => readRun(name, [...metrics, ...FAILURES])))
}

function usage(): ExitError {
  return usageError('compare needs two results of run --json: demo-loadgen compare before.json after.json; see --help')
}
