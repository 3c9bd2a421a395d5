import { readFile } from 'node:fs/promises'
import { type ExitError, isSystemError, usageError } from '@demo/cli'
import { EMPTY_SUMMARY } from '../engine/distribution.ts'
import type { RunFigures } from '../run/result.ts'
import type { Metric } from './metrics.ts'

/** The version of the JSON format. It increases when a field changes its meaning or is removed. */
export const SCHEMA_VERSION = 1

/** A file written by `--json`. */
export interface RunFile {
  readonly name: string
  /** The runs of `--repeat`, or the only one. */
  readonly runs: readonly RunFigures[]
  /** In milliseconds since 1970; NaN if the file does not say it. */
  readonly startedAt: number
  readonly options: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, unknown>>
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads a file written by `--json`.
 *
 * @param needed metrics that each run must have
 * @throws ExitError with one line if it is not such a file, or has another version
 */
export async function readRun(name: string, needed: readonly Metric[]): Promise<RunFile> {
  const json = parse(name, await text(name))
  if (json['schemaVersion'] !== SCHEMA_VERSION) throw fileError(name, versionError(json['schemaVersion']))
  const { options, environment, repeats, startedAt } = json
  const all: readonly unknown[] = Array.isArray(repeats) ? repeats : [json]
  if (all.length === 0 || !isObject(options) || !isObject(environment))
    throw fileError(name, 'expected the result of a run')
  const runs = all.map(asRun)
  for (const run of runs) for (const metric of needed) check(name, run, metric)
  return { name, runs, startedAt: Date.parse(String(startedAt)), options, environment }
}

async function text(name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw fileError(name, error.message)
  }
}

function parse(name: string, content: string): Json {
  try {
    const json: unknown = JSON.parse(content)
    if (isObject(json)) return json
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw fileError(name, 'expected JSON written by demo-loadgen run --json')
}

function versionError(version: unknown): string {
  if (version === undefined) return 'it has no schemaVersion; expected JSON written by demo-loadgen run --json'
  return `its schemaVersion is ${JSON.stringify(version)}; expected ${SCHEMA_VERSION}. Make the run again, or use the demo-loadgen that wrote the file`
}

/**
 * A run with all parts that metrics read, even if they are empty. Older versions of demo-loadgen wrote times of 0 if
 * nothing was answered.
 */
function asRun(value: unknown): RunFigures {
  const run = isObject(value) ? value : {}
  const part = (name: string) => (run['acks'] === 0 ? EMPTY_SUMMARY : isObject(run[name]) ? run[name] : {})
  return { ...run, latencyMs: part('latencyMs'), serviceTimeMs: part('serviceTimeMs') } as unknown as RunFigures
}

function check(name: string, run: RunFigures, { name: metric, of, percentile }: Metric): void {
  const value: unknown = of(run)
  if (value === null || (typeof value === 'number' && Number.isFinite(value))) return
  const how = percentile === undefined ? '' : ` with --percentiles ${percentile}`
  throw fileError(name, `it has no ${metric}; make the run again${how}`)
}

function fileError(name: string, why: string): ExitError {
  return usageError(`${name}: ${why}`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
