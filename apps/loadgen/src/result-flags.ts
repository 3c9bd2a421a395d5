import { type Flags, flag, listFlag, OptionError, optionalFlag, parseCount, parseText } from '@demo/cli'
import { parseThreshold } from './analysis/threshold.ts'
import { parsePercentile } from './run/percentiles.ts'

/** More would take the comparison's exact statistics too long. */
const MAX_REPEATS = 100

/** @throws OptionError when it is 0, or too many */
function parseRepeats(text: string): number {
  const value = parseCount(text)
  if (value === 0 || value > MAX_REPEATS) throw new OptionError(`it must be from 1 to ${MAX_REPEATS}`)
  return value
}

/** @throws OptionError when it is standard output, or empty */
function parseFile(text: string): string {
  if (text === '-') throw new OptionError('it must be a file: standard output can have the JSON or the CSV only')
  return parseText(text)
}

/** What becomes of the result of a run. */
export const RESULT_FLAGS = {
  json: optionalFlag('--json <file>', 'write the result as JSON; - is standard output', parseText),
  hgrm: optionalFlag('--hgrm <file>', "write percentiles for HdrHistogram's plotter", parseFile),
  html: optionalFlag('--html <file>', 'write a report with charts, all in one file', parseFile),
  csv: optionalFlag(
    '--csv <file>',
    'write the course of the run as CSV, a line a slice; - is standard output',
    parseText,
  ),
  percentiles: listFlag('--percentiles <list>', 'which are shown (default: 50,90,99,99.9)', parsePercentile),
  threshold: listFlag(
    '--threshold <condition>',
    "what must hold, like 'p99<5ms', 'acksPerSecond>=1M' or 'failed<1%'; may be given several times",
    parseThreshold,
  ),
  repeat: flag('--repeat <n>', 'make so many runs, for compare; the middle one is shown', parseRepeats, '1'),
} satisfies Flags
