import { test } from 'vitest'
import { type Figure, Figures } from './figures.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** The row of the table of figures that a test measures. */
    row?: number
    figures?: Figure[]
  }
}

/** The longest that a row may take, in milliseconds: the soak's three minutes, and some patience. */
const PATIENCE = 230_000

/**
 * One row of the table of figures, or a part of it. What a server costs is read from /proc, so there are rows on Linux
 * only.
 *
 * @param missing why it can't run here, if it can't
 */
export function row(
  number: number,
  name: string,
  measure: (figures: Figures) => Promise<void>,
  missing?: string,
): void {
  const reason = process.platform === 'linux' ? missing : 'it reads /proc, which is there on Linux'
  const title = reason === undefined ? name : `${name} (left out: ${reason})`
  test.skipIf(reason !== undefined)(title, { timeout: PATIENCE }, async ({ task }) => {
    const notes: Figure[] = []
    Object.assign(task.meta, { row: number, figures: notes })
    await measure(new Figures(notes))
  })
}
