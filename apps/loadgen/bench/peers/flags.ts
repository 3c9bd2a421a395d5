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

/** @throws OptionError when it is 0 */
function parsePositiveDuration(text: string): number {
  const value = parseDuration(text)
  if (value === 0) throw new OptionError('expected a time above 0 like 500ms or 2s')
  return value
}

/** The path of a file or folder. The command may have been given anywhere; pnpm runs it at the root. */
function parsePath(text: string): string {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), parseText(text))
}

/** The flags of both commands. */
export function measuringFlags(rounds: string, windows: string) {
  return {
    rounds: flag(
      '--rounds <n>',
      'how often all is measured; 0 writes the documents of --samples anew',
      parseCount,
      rounds,
    ),
    windows: flag(
      '--windows <list>',
      'requests in flight on each of 100 connections; 100x1024 is with payloads of 1024 bytes',
      parseRows,
      windows,
    ),
    duration: flag('--duration <time>', 'how long each is measured', parsePositiveDuration, '1500ms'),
    warmup: flag('--warmup <time>', 'how long each is driven before that', parsePositiveDuration, '500ms'),
    samples: optionalFlag(
      '--samples <file>',
      'add the measurements to those in this file, and write documents of all',
      parsePath,
    ),
    docs: flag('--docs <folder>', 'where the documents are', parsePath, `${ROOT}docs`),
  } satisfies Flags
}

/** What the flags of both commands say. */
export type MeasuringOptions = Values<ReturnType<typeof measuringFlags>>
