import { SCHEMA_VERSION } from '../analysis/run-file.ts'
import { windowOf } from '../engine/options.ts'
import type { RunDocument } from './document.ts'

/** The name of the schema in `schema/run.v1.schema.json`. It is not an address. */
const SCHEMA_ID = 'https://tcp-server-demo.invalid/schema/demo-loadgen-run.v1.json'

/** The result as one JSON object that conforms to the published schema. */
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
