import type { TimeSlice } from '../engine/timeline.ts'
import type { RunResult } from '../run/result.ts'

/** The columns: the fields of a slice by their names in the JSON. */
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
 * The course of a run as CSV (RFC 4180), a line a slice. Where there is no value, a field is empty. The last column says
 * in each line whether the run was interrupted: the file has no other place for it that every reader takes.
 */
export function csvReport({ slices, interrupted }: RunResult): string {
  const lines = slices.map((slice) => [...COLUMNS.map((name) => slice[name] ?? ''), interrupted].join(','))
  return [[...COLUMNS, 'interrupted'].join(','), ...lines].map((line) => `${line}\r\n`).join('')
}
