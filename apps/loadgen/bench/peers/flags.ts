import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Flags,
  flag,
  OptionError,
  optionalFlag,
  parseCount,
  parseDuration,
  parseText,
  type Values,
} from '@demo/cli'
import { parseRows } from './row.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/** @throws OptionError if it is 0 */
function parsePositiveDuration(text: string): number {
  const value = parseDuration(text)
  if (value === 0) throw new OptionError('expected a time above 0 like 500ms or 2s')
  return value
}

/** A path relative to the folder of the user: pnpm runs the command at the root. */
function parsePath(text: string): string {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), parseText(text))
}

/** The flags of both commands. */
export function measuringFlags(rounds: string, windows: string) {
  return {
    rounds: flag('--rounds <n>', 'number of rounds; 0 only writes the documents from --samples', parseCount, rounds),
    windows: flag(
      '--windows <list>',
      'requests in flight on each of 100 connections; 100x1024 has payloads of 1024 bytes',
      parseRows,
      windows,
    ),
    duration: flag('--duration <time>', 'time of each measurement', parsePositiveDuration, '1500ms'),
    warmup: flag('--warmup <time>', 'warm-up before each measurement', parsePositiveDuration, '500ms'),
    samples: optionalFlag(
      '--samples <file>',
      'add the measurements to those in this file, and use all of them for the documents',
      parsePath,
    ),
    docs: flag('--docs <folder>', 'folder of the documents', parsePath, `${ROOT}docs`),
  } satisfies Flags
}

/** The values of these flags. */
export type MeasuringOptions = Values<ReturnType<typeof measuringFlags>>
