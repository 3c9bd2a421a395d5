import { constants } from 'node:fs'
import { access, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ExitError, ExitStatus } from '@demo/cli'
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
 * Looks whether there can be such files, and leaves no trace: better now than when the run is over.
 *
 * @throws ExitError with one line when one can't be
 */
export async function checkDestinations({ json, hgrm, html }: Destinations): Promise<void> {
  for (const file of [json === '-' ? undefined : json, hgrm, html]) if (file !== undefined) await checkFile(file)
}

async function checkFile(file: string): Promise<void> {
  try {
    const there = await stat(file).catch(() => undefined)
    if (there?.isDirectory()) throw new Error('it is a folder')
    await access(there === undefined ? dirname(file) : file, constants.W_OK)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ExitError(ExitStatus.usage, `can't write ${file}: ${why}`)
  }
}

/**
 * Writes the results. The table comes first, so that it is not lost where a file can't be written: to standard output, or
 * to standard error where the JSON takes that. A file that can't be written keeps no other from being so.
 *
 * @throws Error of the system of the first that can't be written
 */
export async function writeResults(document: RunDocument, { json, hgrm, html }: Destinations): Promise<void> {
  const table = json === '-' ? process.stderr : process.stdout
  table.write(textDocument(document))
  if (json === '-') process.stdout.write(jsonReport(document))
  const files = new Map(hgrm === undefined ? [] : hgrmFiles(hgrm, document.shown))
  if (json !== undefined && json !== '-') files.set(json, jsonReport(document))
  if (html !== undefined) files.set(html, htmlReport(document, await readPageAssets()))
  const written = await Promise.allSettled([...files].map(([file, text]) => writeFile(file, text)))
  for (const one of written) if (one.status === 'rejected') throw one.reason
}
