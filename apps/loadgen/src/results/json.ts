import { windowOf } from '../options.ts'
import type { RunDocument } from './document.ts'

/** The version of the form of the JSON; it grows when a field changes its meaning or goes. */
export const SCHEMA_VERSION = 1

/** The name of the schema in `schema/run.v1.schema.json`. Nobody fetches it. */
const SCHEMA_ID = 'https://tcp-server-demo.invalid/schema/demo-loadgen-run.v1.json'

/** The result as data: one JSON object, as the published schema says. */
export function jsonReport({ shown, runs, thresholds, startedAt, options, environment }: RunDocument): string {
  const document = {
    $schema: SCHEMA_ID,
    schemaVersion: SCHEMA_VERSION,
    startedAt,
    ...shown.result,
    thresholds: thresholds.map(({ threshold, actual, passed }) => ({ threshold: threshold.text, actual, passed })),
    ...(runs.length > 1 ? { repeats: runs } : {}),
    options: { ...options, window: windowOf(options) },
    environment,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
