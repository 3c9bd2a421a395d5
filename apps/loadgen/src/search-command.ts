import {
  ExitError,
  ExitStatus,
  type Flags,
  flag,
  listFlag,
  OptionError,
  optionalFlag,
  parseDuration,
  type Values,
} from '@demo/cli'
import { backlogGrowth } from './analysis/backlog.ts'
import { type Found, search } from './analysis/search.ts'
import { parseThreshold, percentilesOf, type Threshold } from './analysis/threshold.ts'
import { LoadgenStatus } from './exit-status.ts'
import { parseLoadRate, RUN_FLAGS } from './flags.ts'
import { interruptSignal } from './interruption.ts'
import { searchHeading, searchReport, stepBeginning, stepEnd } from './report/search-report.ts'
import { withPercentiles } from './run/percentiles.ts'
import { withoutSlices } from './run/repeat.ts'
import { run } from './run/run.ts'
import { asExitError } from './run-command.ts'
import { parseShare } from './units/parse.ts'

/** @throws OptionError when it is 0 */
function parsePrecision(text: string): number {
  const value = parseShare(text)
  if (value === 0) throw new OptionError('it must be above 0%')
  return value
}

/** @throws OptionError when it is 0 */
function parseStep(text: string): number {
  const value = parseDuration(text)
  if (value === 0) throw new OptionError('it must be above 0: each step must end')
  return value
}

/**
 * A condition that more load can only break: the search goes up until it does.
 *
 * @throws OptionError when it is none
 */
export function parseSlo(text: string): Threshold {
  const condition = parseThreshold(text)
  const { operator, limit } = condition
  if (operator === '>' || operator === '>=' || (operator === '==' && limit !== 0)) {
    throw new OptionError(
      'the search raises the rate until a condition breaks, so each must be an upper bound, like p99<10ms or errors==0',
    )
  }
  return condition
}

/** All of `run` but what a search decides itself. */
const { rate: _rate, duration: _duration, warmup: _warmup, amount: _amount, stage: _stage, ...LOAD_FLAGS } = RUN_FLAGS

export const SEARCH_FLAGS = {
  ...LOAD_FLAGS,
  slo: listFlag('--slo <condition>', "what must hold, like 'p99<10ms'; may be given several times", parseSlo),
  from: flag('--from <rate>', 'where to begin, in requests a second', parseLoadRate, '1000'),
  maxRate: optionalFlag('--max-rate <rate>', 'where to end at the latest', parseLoadRate),
  precision: flag('--precision <share>', 'how close the answer must be', parsePrecision, '5%'),
  step: flag('--step <time>', 'how long each rate is tried', parseStep, '5s'),
  warmup: flag('--warmup <time>', 'how long before that, not counted', parseDuration, '1s'),
} satisfies Flags

/**
 * `demo-loadgen search`: finds the highest rate that meets some conditions.
 *
 * @returns the exit status
 */
export async function runSearch(values: Values<typeof SEARCH_FLAGS>): Promise<number> {
  const { slo = [], from, maxRate, precision, step, ...load } = values
  if (slo.length === 0) throw new ExitError(ExitStatus.usage, "search needs at least one --slo, like --slo 'p99<10ms'")
  const signal = interruptSignal()
  const attempt = async (rate: number) => {
    if (signal.aborted) return undefined
    process.stdout.write(stepBeginning(rate))
    const measured = await asExitError(
      run({ ...load, rate, amount: undefined, duration: step }, () => {}, signal),
    ).catch((error: unknown) => {
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
