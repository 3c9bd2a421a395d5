import type { Progress } from '../engine/monitor.ts'
import { LiveView } from './live-view.ts'
import { PlainLines } from './plain-lines.ts'

/** Shows the progress of a run. */
interface ProgressView {
  show(progress: Progress): void
  /** Call it when the run is over. */
  clear(): void
}

/** On standard error: a live view on a terminal, otherwise a line a second; nothing if `quiet`. */
export function showProgress(quiet: boolean): ProgressView {
  if (quiet) return { show() {}, clear() {} }
  const { stderr } = process
  const write = (text: string) => void stderr.write(text)
  if (stderr.isTTY !== true || process.env['TERM'] === 'dumb') return new PlainLines(write)
  return new LiveView({
    get columns() {
      return stderr.columns
    },
    colors: stderr.hasColors(),
    write,
  })
}
