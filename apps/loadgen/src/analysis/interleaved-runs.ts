import type { RunFile } from './run-file.ts'

/**
 * The runs of both sides in the order in which they were made, if they are interleaved: the first two are of both sides,
 * the next two as well, and so on. A file with several runs is not interleaved with others.
 *
 * ```
 *  before  1     4 5     8          before  1 2 3 4
 *  after     2 3     6 7            after           5 6 7 8
 *          pairs                            none: undefined
 * ```
 */
export function pairInterleavedRuns(
  before: readonly RunFile[],
  after: readonly RunFile[],
): readonly [before: RunFile[], after: RunFile[]] | undefined {
  if (before.length !== after.length) return undefined
  const order = [...before.map((file) => ({ file, side: 0 })), ...after.map((file) => ({ file, side: 1 }))]
  if (order.some(({ file }) => file.runs.length !== 1 || Number.isNaN(file.startedAt))) return undefined
  order.sort((a, b) => a.file.startedAt - b.file.startedAt)
  for (let i = 0; i < order.length; i += 2) if (order[i]?.side === order[i + 1]?.side) return undefined
  const made = (wanted: number) => order.filter(({ side }) => side === wanted).map(({ file }) => file)
  return [made(0), made(1)]
}
