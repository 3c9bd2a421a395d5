import { writeFile } from 'node:fs/promises'
import type { RunDocument } from './document.ts'
import { hgrmFiles } from './hgrm.ts'
import { htmlReport } from './html-report.ts'
import { jsonReport } from './json.ts'
import { readPageAssets } from './page-assets.ts'
import { textDocument } from './text.ts'

/** Where results go. */
export interface Destinations {
  /** `-` is standard output. */
  readonly json?: string | undefined
  readonly hgrm?: string | undefined
  readonly html?: string | undefined
}

/**
 * Writes the results. The table comes first, so that it is not lost where a file can't be written: to standard output, or
 * to standard error where the JSON takes that.
 *
 * @throws Error of the system when a file can't be written
 */
export async function writeResults(document: RunDocument, { json, hgrm, html }: Destinations): Promise<void> {
  const table = json === '-' ? process.stderr : process.stdout
  table.write(textDocument(document))
  if (json === '-') process.stdout.write(jsonReport(document))
  else if (json !== undefined) await writeFile(json, jsonReport(document))
  if (hgrm !== undefined) {
    for (const [file, text] of hgrmFiles(hgrm, document.shown)) await writeFile(file, text)
  }
  if (html !== undefined) await writeFile(html, htmlReport(document, await readPageAssets()))
}
