import { progressLine } from './report.ts'
import type { Progress } from './run.ts'

/** A line a second on standard error; on a terminal each takes the place of the one before. */
export function showProgress(): (progress: Progress) => void {
  const terminal = process.stderr.isTTY === true
  let before: Progress | undefined
  return (progress) => {
    const line = progressLine(progress, before)
    process.stderr.write(terminal ? `\r\x1b[2K${line}` : `${line}\n`)
    if (terminal && progress.phase === 'drain') process.stderr.write('\n')
    before = progress
  }
}
