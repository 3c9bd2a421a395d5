import {
  type Flags,
  flag,
  listFlag,
  OptionError,
  optionalFlag,
  parseDuration,
  usageError,
  type Values,
} from '@demo/cli'
import { backlogGrowth } from './analysis/backlog.ts'
import { type Found, search } from './analysis/search.ts'
import { parseThreshold, percentilesOf, type Threshold } from './analysis/threshold.ts'
import { resolveEngine } from './engine/resolve-engine.ts'
import { LoadgenStatus } from './exit-status.ts'
import { parseLoadRate, RUN_FLAGS } from './flags.ts'
import { interruptSignal } from './interruption.ts'
import { searchHeading, searchReport, stepBeginning, stepEnd } from './report/search-report.ts'
import { withPercentiles } from './run/percentiles.ts'
import { withoutSlices } from './run/repeat.ts'
import { run } from './run/run.ts'
import { asExitError } from './run-command.ts'
import { parseShare } from './units/parse.ts'

/** @throws OptionError if it is 0 */
function parsePrecision(text: string): number {
  const value = parseShare(text)
  if (value === 0) throw new OptionError('expected a share above 0%')
  return value
}

/** @throws OptionError if it is 0 */
function parseStep(text: string): number {
  const value = parseDuration(text)
  if (value === 0) throw new OptionError('expected a time above 0: each step needs an end')
  return value
}

/**
 * Parses a condition that more load can only break.
 *
 * @throws OptionError if more load could meet it
 */
export function parseSlo(text: string): Threshold {
  const condition = parseThreshold(text)
  const { operator, limit } = condition
  if (operator === '>' || operator === '>=' || (operator === '==' && limit !== 0)) {
    throw new OptionError(
      'expected an upper bound, like p99<10ms or errors==0: the search raises the rate until a condition breaks',
    )
  }
  return condition
}

/** The flags of `run`, except those that the search sets itself. */
const { rate: _rate, duration: _duration, warmup: _warmup, amount: _amount, stage: _stage, ...LOAD_FLAGS } = RUN_FLAGS

export const SEARCH_FLAGS = {
  ...LOAD_FLAGS,
  slo: listFlag('--slo <condition>', "condition to meet, like 'p99<10ms'; can be given several times", parseSlo),
  from: flag('--from <rate>', 'first rate, in requests a second', parseLoadRate, '1000'),
  maxRate: optionalFlag('--max-rate <rate>', 'highest rate to try', parseLoadRate),
  precision: flag('--precision <share>', 'largest error of the result', parsePrecision, '5%'),
  step: flag('--step <time>', 'how long to try each rate', parseStep, '5s'),
  warmup: flag('--warmup <time>', 'how long to send before that, not counted', parseDuration, '1s'),
} satisfies Flags

/**
 * `demo-loadgen search`: finds the highest rate that meets the conditions.
 *
 * @returns the exit status
 */
export async function runSearch(values: Values<typeof SEARCH_FLAGS>): Promise<number> {
  const { slo = [], from, maxRate, precision, step, ...unresolved } = values
  if (slo.length === 0) throw usageError("search needs at least one --slo, like --slo 'p99<10ms'")
  const load = await asExitError(resolveEngine({ ...unresolved, rate: from, duration: step, amount: undefined }))
  const signal = interruptSignal()
  const attempt = async (rate: number) => {
    if (signal.aborted) return undefined
    process.stdout.write(stepBeginning(rate))
    const measured = await asExitError(run({ ...load, rate }, () => {}, signal)).catch((error: unknown) => {
      // On a terminal the complaint would go on in the step's line.
      process.stdout.write('\n')
      throw error
    })
    if (!signal.aborted) {
      return {
        run: withoutSlices(withPercentiles(measured, percentilesOf(slo))),
        backlogGrowth: backlogGrowth(measured.result, rate),
      }
    }
    process.stdout.write('\n')
    return undefined
  }
  process.stdout.write(searchHeading())
  const options = { slo, from, maxRate, precision }
  const found = await search(options, attempt, (one) => process.stdout.write(stepEnd(one)))
  process.stdout.write(searchReport(found, options))
  return statusOf(found)
}

function statusOf({ end, last }: Found): number {
  if (end === 'saturated') return LoadgenStatus.saturated
  if (end === 'interrupted') return LoadgenStatus.failed
  if (end === 'never') return last?.outcome === 'failed' ? LoadgenStatus.failed : LoadgenStatus.crossed
  return LoadgenStatus.ok
}
