import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { FlagOption } from './command.ts'
import { usageError } from './exit.ts'
import { type Flags, invalidValue, kebabCase } from './flag.ts'
import { isSystemError } from './system-error.ts'

/**
 * Sets the flags from a YAML file that neither the command line nor an environment variable has set. Its keys are the
 * flags' names without the leading dashes: `max-connections: 500`.
 *
 * @throws ExitError with status 2 and one line: the file, the line in it, the key, and what is wrong
 */
export function addConfigFile(command: Command, path: string, flags: Flags): void {
  const file = readConfigFile(path, flags)
  for (const option of command.options) {
    const name = option.attributeName()
    const key = kebabCase(name)
    if (!(option instanceof FlagOption) || !Object.hasOwn(file.raw, key) || isSet(command, name)) continue
    option.raw = file.raw[key]
    option.place = file.placeOf(key)
    command.setOptionValueWithSource(name, file.values[key], 'config')
  }
}

/**
 * The configuration in effect, as a YAML file. Its comments say where each value is from.
 *
 * @param path the configuration file, if there is one
 */
export function printConfig(command: Command, path: string | undefined, flags: Flags): string {
  const document = new Document({})
  const options = command.options.filter((option) => option instanceof FlagOption)
  for (const option of options) {
    const name = option.attributeName()
    const raw = option.isBoolean() ? command.getOptionValue(name) : option.raw
    if (!Object.hasOwn(flags, name) || raw === undefined) continue
    const node = document.createNode(unquoted(raw), { flow: true })
    node.comment = ` ${sourceOf(command, option, path)}`
    document.set(kebabCase(name), node)
  }
  return document.toString({ lineWidth: 0 })
}

function sourceOf(command: Command, option: FlagOption, path: string | undefined): string {
  switch (command.getOptionValueSource(option.attributeName())) {
    case 'cli':
      return String(option.long)
    case 'env':
      return String(option.envVar)
    case 'config':
      return String(path)
    default:
      return 'default'
  }
}

/**
 * Where a value is from, to name it in a message: `--port`, `DEMO_SERVER_PORT`, `demo.yaml:3: port`.
 *
 * @param name of the flag: `maxConnections`
 */
export function whereFrom(command: Command, name: string): string {
  const option = command.options.find((one) => one.attributeName() === name)
  if (!(option instanceof FlagOption)) throw new RangeError(`there is no flag ${name}`)
  switch (command.getOptionValueSource(name)) {
    case 'env':
      return String(option.envVar)
    case 'config':
      return `${option.place}: ${kebabCase(name)}`
    default:
      return String(option.long)
  }
}

interface ConfigFile {
  /** By key. */
  readonly values: Readonly<Record<string, unknown>>
  readonly raw: Readonly<Record<string, unknown>>
  /** `demo.yaml:3` */
  placeOf(key: string): string
}

function readConfigFile(path: string, flags: Flags): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false })
  const [mistake] = document.errors
  if (mistake !== undefined) throw usageError(`${path}:${lines.linePos(mistake.pos[0]).line}: ${mistake.message}`)
  // An empty file, or only document markers.
  const contents = isScalar(document.contents) && document.contents.value === null ? null : document.contents
  if (contents !== null && !isMap(contents)) throw usageError(`${path}: expected keys and values, like "port: 8888"`)

  const placeOf = (key: string) => {
    const pair = contents?.items.find((item) => String(item.key) === key)
    const { range } = (pair?.key ?? {}) as { range?: readonly [number, number, number] }
    return range === undefined ? path : `${path}:${lines.linePos(range[0]).line}`
  }
  const raw = toObject(document, path)
  const keys = Object.entries(flags).map(([name, { schema }]) => [kebabCase(name), schema.optional()] as const)
  const { success, data, error } = z.strictObject(Object.fromEntries(keys)).safeParse(raw)
  if (success) return { values: data, raw, placeOf }

  const [issue] = error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  if (unknown !== undefined) {
    const known = keys.map(([key]) => key).join(', ')
    throw usageError(`${placeOf(unknown)}: there is no key ${unknown}; the keys are ${known}`)
  }
  const key = String(issue?.path[0])
  throw usageError(`${placeOf(key)}: ${invalidValue(key, raw[key], error)}`)
}

/** @throws ExitError if an alias has no anchor, or there are too many aliases */
function toObject(document: Document.Parsed, path: string): Record<string, unknown> {
  try {
    return (document.toJS() ?? {}) as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    throw usageError(`${path}: ${error.message}`)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw usageError(`can't read the configuration: ${error.message}`)
  }
}

function isSet(command: Command, name: string): boolean {
  const source = command.getOptionValueSource(name)
  return source === 'cli' || source === 'env'
}

/** Numbers and booleans as such, if YAML reads the same value without quotes. */
function unquoted(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  if (raw === 'true' || raw === 'false') return raw === 'true'
  return /^(0|[1-9]\d{0,14})$/.test(raw) ? Number(raw) : raw
}
