import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'

/** Writes files that only this user may read. They are removed at the end of the test. @returns their paths, in order */
export function writeFiles(files: Readonly<Record<string, string>>): string[] {
  const folder = temporaryFolder()
  return Object.entries(files).map(([name, text]) => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  })
}
