import type { Progress } from '../engine/monitor.ts'
import { LiveView } from './live-view.ts'
import { PlainLines } from './plain-lines.ts'

/** Somebody who shows how a run is going. */
interface Showing {
  show(progress: Progress): void
  /** The run is over. */
  clear(): void
}

/** On standard error: a live view on a terminal, a line a second elsewhere, nothing when it is to be quiet. */
export function showProgress(quiet: boolean): Showing {
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
