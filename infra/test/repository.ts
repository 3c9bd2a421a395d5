import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A path below `infra/`. */
export function infra(...path: string[]): string {
  return join(root, 'infra', ...path)
}

export function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

/** The contents of a file as `T`, unchecked: the tests check the parts that they use. */
export function readYaml<T>(path: string): T {
  return parse(readText(path)) as T
}

/** The contents of a file as `T`, unchecked: the tests check the parts that they use. */
export function readJson<T>(path: string): T {
  return JSON.parse(readText(path)) as T
}

export function filesIn(directory: string, extension: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(directory, name))
}
