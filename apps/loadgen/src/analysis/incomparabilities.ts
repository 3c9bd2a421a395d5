import { kebabCase } from '@demo/cli'
import type { RunFigures } from '../run/result.ts'
import type { RunFile } from './run-file.ts'

/** Options that may differ: they say where the server is, and what is done with the results. */
const MAY_DIFFER = new Set([
  'host',
  'port',
  'path',
  'target',
  'targets',
  'json',
  'hgrm',
  'html',
  'csv',
  'percentiles',
  'threshold',
  'quiet',
  'metricsPort',
])

/** What results have of older programs that did not know the option. */
const BEFORE_THERE_WAS: Readonly<Record<string, string>> = { engine: 'node' }

const show = (value: unknown) => (value === undefined || value === null ? 'not set' : JSON.stringify(value))

/** Why runs can't be compared fairly, a line for each reason. */
export function incomparabilities(before: readonly RunFile[], after: readonly RunFile[]): string[] {
  const files = [...before, ...after]
  return [
    ...differing(files, 'options', '--').map((line) => `the load differs: ${line}`),
    ...differing(files, 'environment', '').map((line) => `the machine differs: ${line}`),
    ...files.flatMap(warnOfInterrupted),
    ...files
      .filter(({ runs }) => runs.some(({ saturated }) => saturated))
      .map(
        ({ name }) => `${name}: the generator was saturated; the figures are about the generator, not about the server`,
      ),
  ]
}

function differing(files: readonly RunFile[], part: 'options' | 'environment', prefix: string): string[] {
  const names = new Set(files.flatMap((file) => Object.keys(file[part])))
  return [...names]
    .filter((name) => !MAY_DIFFER.has(name))
    .flatMap((name) => {
      const shown = files.map((file) => show(file[part][name] ?? BEFORE_THERE_WAS[name]))
      const values = [...new Set(shown)]
      return values.length === 1 ? [] : [`${prefix}${kebabCase(name)} was ${values.join(', then ')}`]
    })
}

/** An interrupted run may show the beginning of a load only. */
function warnOfInterrupted({ name, runs }: RunFile): string[] {
  const cut = runs.filter(({ interrupted }) => interrupted)
  if (cut.length === 0) return []
  const which = runs.length === 1 ? 'the run was' : `${cut.length} of ${runs.length} runs were`
  return [`${name}: ${which} interrupted${cut.map(showWhy)[0]}; its figures are not of a whole run`]
}

const showWhy = ({ interruptedBecause }: RunFigures) => (interruptedBecause ? ` (${interruptedBecause})` : '')
