import { readFile } from 'node:fs/promises'
import { ExitError, ExitStatus } from '@demo/cli'
import type { JudgedRun, Metric } from '../judge/metrics.ts'
import { SCHEMA_VERSION } from './json.ts'

/** A file that `--json` wrote. */
export interface RunFile {
  readonly name: string
  /** The runs of `--repeat`, or the only one. */
  readonly runs: readonly JudgedRun[]
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
  const runs = (Array.isArray(repeats) ? repeats : [json]) as readonly JudgedRun[]
  if (runs.length === 0 || !isObject(options) || !isObject(environment))
    throw refuse(name, 'it is not the result of a run')
  for (const run of runs) for (const metric of needed) check(name, run, metric)
  return { name, runs, startedAt: Date.parse(String(startedAt)), options, environment }
}

async function text(name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8')
  } catch (error) {
    throw refuse(name, error instanceof Error ? error.message : String(error))
  }
}

function parse(name: string, content: string): Json {
  try {
    const json: unknown = JSON.parse(content)
    if (isObject(json)) return json
  } catch {
    // Told below.
  }
  throw refuse(name, 'it is not JSON that demo-loadgen run --json wrote')
}

function versionComplaint(version: unknown): string {
  if (version === undefined) return 'it has no schemaVersion: it is not JSON that demo-loadgen run --json wrote'
  return `its schemaVersion is ${JSON.stringify(version)}, and this demo-loadgen reads ${SCHEMA_VERSION}; make it anew, or use the demo-loadgen that wrote it`
}

function check(name: string, run: JudgedRun, { name: metric, of }: Metric): void {
  let value: unknown
  try {
    value = of(run)
  } catch {
    // The part of the result that the metric looks into is not there.
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(name, `it has no ${metric}; make it anew`)
}

function refuse(name: string, why: string): ExitError {
  return new ExitError(ExitStatus.usage, `${name}: ${why}`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
