import type { TimeSlice } from '../engine/timeline.ts'
import type { RunResult } from '../run/result.ts'

/** The columns have the names of the fields in the JSON. */
const COLUMNS = [
  'atSeconds',
  'seconds',
  'due',
  'acks',
  'failedAcks',
  'errors',
  'connectionsLost',
  'connectionsDown',
  'late',
  'unsent',
  'inFlight',
  'p50',
  'p99',
  'p999',
  'max',
] as const satisfies readonly (keyof TimeSlice)[]

/**
 * The time slices of a run as CSV (RFC 4180), one in each line. A missing value is an empty field. The last column says
 * whether the run was interrupted: CSV has no other place for it.
 */
export function csvReport({ slices, interrupted }: RunResult): string {
  const lines = slices.map((slice) => [...COLUMNS.map((name) => slice[name] ?? ''), interrupted].join(','))
  return [[...COLUMNS, 'interrupted'].join(','), ...lines].map((line) => `${line}\r\n`).join('')
}
