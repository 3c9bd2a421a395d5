import { type Flags, flag, listFlag, OptionError, optionalFlag, parseCount, parseText } from '@demo/cli'
import { parseThreshold } from './analysis/threshold.ts'
import { parsePercentile } from './run/percentiles.ts'

/** With more runs the exact statistics of a comparison would take too long. */
const MAX_REPEATS = 100

/** @throws OptionError if it is 0 or too large */
function parseRepeats(text: string): number {
  const value = parseCount(text)
  if (value === 0 || value > MAX_REPEATS) throw new OptionError(`expected a number from 1 to ${MAX_REPEATS}`)
  return value
}

/** @throws OptionError if it is standard output or empty */
function parseFile(text: string): string {
  if (text === '-') throw new OptionError('expected a file: only JSON and CSV can go to standard output')
  return parseText(text)
}

/** Flags of the result of a run. */
export const RESULT_FLAGS = {
  json: optionalFlag('--json <file>', 'write the result as JSON; - is standard output', parseText),
  hgrm: optionalFlag('--hgrm <file>', "write percentiles for HdrHistogram's plotter", parseFile),
  html: optionalFlag('--html <file>', 'write a report with charts, in one file', parseFile),
  csv: optionalFlag('--csv <file>', 'write the time slices as CSV; - is standard output', parseText),
  percentiles: listFlag('--percentiles <list>', 'percentiles to show (default: 50,90,99,99.9)', parsePercentile),
  threshold: listFlag(
    '--threshold <condition>',
    "condition to check, like 'p99<5ms', 'acksPerSecond>=1M' or 'failed<1%'; can be given several times",
    parseThreshold,
  ),
  repeat: flag('--repeat <n>', 'number of runs, for compare; the median run is shown', parseRepeats, '1'),
} satisfies Flags
