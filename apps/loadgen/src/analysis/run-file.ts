import { readFile } from 'node:fs/promises'
import { ExitError, ExitStatus, isSystemError } from '@demo/cli'
import { EMPTY_SUMMARY } from '../engine/distribution.ts'
import type { RunFigures } from '../run/result.ts'
import type { Metric } from './metrics.ts'

/** The version of the form of the JSON; it grows when a field changes its meaning or goes. */
export const SCHEMA_VERSION = 1

/** A file that `--json` wrote. */
export interface RunFile {
  readonly name: string
  /** The runs of `--repeat`, or the only one. */
  readonly runs: readonly RunFigures[]
  /** When it was begun, in milliseconds since 1970; NaN where the file does not say. */
  readonly startedAt: number
  readonly options: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, unknown>>
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads a file that `--json` wrote.
 *
 * @param needed the metrics that will be asked for
 * @throws ExitError with one line when it is none, or one of another version
 */
export async function readRun(name: string, needed: readonly Metric[]): Promise<RunFile> {
  const json = parse(name, await text(name))
  if (json['schemaVersion'] !== SCHEMA_VERSION) throw refuse(name, versionComplaint(json['schemaVersion']))
  const { options, environment, repeats, startedAt } = json
  const all: readonly unknown[] = Array.isArray(repeats) ? repeats : [json]
  if (all.length === 0 || !isObject(options) || !isObject(environment))
    throw refuse(name, 'it is not the result of a run')
  const runs = all.map(asRun)
  for (const run of runs) for (const metric of needed) check(name, run, metric)
  return { name, runs, startedAt: Date.parse(String(startedAt)), options, environment }
}

async function text(name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw refuse(name, error.message)
  }
}

function parse(name: string, content: string): Json {
  try {
    const json: unknown = JSON.parse(content)
    if (isObject(json)) return json
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refuse(name, 'it is not JSON that demo-loadgen run --json wrote')
}

function versionComplaint(version: unknown): string {
  if (version === undefined) return 'it has no schemaVersion: it is not JSON that demo-loadgen run --json wrote'
  return `its schemaVersion is ${JSON.stringify(version)}, and this demo-loadgen reads ${SCHEMA_VERSION}; make it anew, or use the demo-loadgen that wrote it`
}

/**
 * A run as metrics look into it: each part that has figures is there, if only an empty one. Where nothing was answered,
 * demo-loadgen once wrote times of 0.
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
  throw refuse(name, `it has no ${metric}; make it anew${how}`)
}

function refuse(name: string, why: string): ExitError {
  return new ExitError(ExitStatus.usage, `${name}: ${why}`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
