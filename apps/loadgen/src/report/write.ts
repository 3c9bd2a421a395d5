import { ExitError, ExitStatus, usageError } from '@demo/cli'
import { csvReport } from './csv.ts'
import { checkFiles } from './destinations.ts'
import type { RunDocument } from './document.ts'
import { hgrmFiles, serviceFile } from './hgrm.ts'
import { htmlReport } from './html-report.ts'
import { jsonReport } from './json.ts'
import { readPageAssets } from './page-assets.ts'
import { replaceFile } from './replace-file.ts'
import { textDocument } from './text-document.ts'

/** Where results are written. */
export interface Destinations {
  /** `-` is standard output. */
  readonly json?: string | undefined
  readonly hgrm?: string | undefined
  readonly html?: string | undefined
  /** `-` is standard output. */
  readonly csv?: string | undefined
}

/** The name of standard output. */
const STDOUT = '-'

/**
 * Checks before the run that the files can be written, without creating them.
 *
 * @throws ExitError with one line if one can't be written, or two are the same
 */
export async function checkDestinations({ json, hgrm, html, csv }: Destinations): Promise<void> {
  const all: [flag: string, file: string | undefined][] = [
    ['--json', json],
    ['--hgrm', hgrm],
    ['--hgrm (service time)', hgrm === undefined ? undefined : serviceFile(hgrm)],
    ['--html', html],
    ['--csv', csv],
  ]
  if (json === STDOUT && csv === STDOUT) {
    throw usageError('--json and --csv exclude each other on standard output; see --help')
  }
  await checkFiles(all.flatMap(([flag, file]) => (file === undefined || file === STDOUT ? [] : [{ flag, file }])))
}

/**
 * Writes the results: the files first, so that they are complete even if standard output fails. If a file can't be written,
 * the others and the text are still written. The text goes to standard error if JSON or CSV goes to standard output.
 *
 * @throws ExitError that names each file that can't be written
 */
export async function writeResults(document: RunDocument, { json, hgrm, html, csv }: Destinations): Promise<void> {
  const files = new Map(hgrm === undefined ? [] : hgrmFiles(hgrm, document.shown))
  const output: string[] = []
  const put = (file: string | undefined, text: () => string) => {
    if (file === STDOUT) output.push(text())
    else if (file !== undefined) files.set(file, text())
  }
  put(json, () => jsonReport(document))
  put(csv, () => csvReport(document.shown.result))
  if (html !== undefined) files.set(html, htmlReport(document, await readPageAssets()))

  const written = await Promise.allSettled([...files].map(([file, text]) => replaceFile(file, text)))
  const table = output.length > 0 ? process.stderr : process.stdout
  table.write(textDocument(document))
  for (const text of output) process.stdout.write(text)
  const failed = written.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const bug = failed.find((error) => !(error instanceof ExitError))
  if (bug !== undefined) throw bug
  if (failed.length > 0) {
    throw new ExitError(ExitStatus.failed, failed.map((error) => (error as ExitError).message).join('; '))
  }
}
