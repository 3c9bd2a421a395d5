import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { FlagOption } from './command.ts'
import { ExitError, ExitStatus } from './exit.ts'
import { complaintOf, type Flags, keyOf } from './flag.ts'
import { isSystemError } from './system-error.ts'

/**
 * Fills in from a YAML file what neither a flag nor a variable of the environment has set. Its keys are the flags' names
 * without the dashes in front: `max-connections: 500`.
 *
 * @throws ExitError with status 2 and one line: the file, the line in it, the key, and what is wrong
 */
export function addConfigFile(command: Command, path: string, flags: Flags): void {
  const file = readConfigFile(path, flags)
  for (const option of command.options) {
    const name = option.attributeName()
    const key = keyOf(name)
    if (!(option instanceof FlagOption) || !Object.hasOwn(file.written, key) || isSet(command, name)) continue
    option.written = file.written[key]
    option.place = file.placeOf(key)
    command.setOptionValueWithSource(name, file.values[key], 'config')
  }
}

/**
 * The configuration as it is in effect: a YAML file that says the same, and in its comments where each value is from.
 *
 * @param path the configuration file, if there is one
 */
export function printConfig(command: Command, path: string | undefined, flags: Flags): string {
  const document = new Document({})
  const options = command.options.filter((option) => option instanceof FlagOption)
  for (const option of options) {
    const name = option.attributeName()
    const written = option.isBoolean() ? command.getOptionValue(name) : option.written
    if (!Object.hasOwn(flags, name) || written === undefined) continue
    const node = document.createNode(plain(written), { flow: true })
    node.comment = ` ${sourceOf(command, option, path)}`
    document.set(keyOf(name), node)
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
 * Where a value is from, as a message about it begins: `--port`, `DEMO_SERVER_PORT`, `demo.yaml:3: port`.
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
      return `${option.place}: ${keyOf(name)}`
    default:
      return String(option.long)
  }
}

interface ConfigFile {
  /** By key. */
  readonly values: Readonly<Record<string, unknown>>
  readonly written: Readonly<Record<string, unknown>>
  /** `demo.yaml:3` */
  placeOf(key: string): string
}

function readConfigFile(path: string, flags: Flags): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false })
  const [mistake] = document.errors
  if (mistake !== undefined) throw complain(`${path}:${lines.linePos(mistake.pos[0]).line}: ${mistake.message}`)
  // Nothing at all, or nothing between two marks.
  const contents = isScalar(document.contents) && document.contents.value === null ? null : document.contents
  if (contents !== null && !isMap(contents)) throw complain(`${path}: it must be keys and values, like "port: 8888"`)

  const placeOf = (key: string) => {
    const pair = contents?.items.find((item) => String(item.key) === key)
    const { range } = (pair?.key ?? {}) as { range?: readonly [number, number, number] }
    return range === undefined ? path : `${path}:${lines.linePos(range[0]).line}`
  }
  const written = toObject(document, path)
  const keys = Object.entries(flags).map(([name, { schema }]) => [keyOf(name), schema.optional()] as const)
  const { success, data, error } = z.strictObject(Object.fromEntries(keys)).safeParse(written)
  if (success) return { values: data, written, placeOf }

  const [issue] = error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  if (unknown !== undefined) {
    throw complain(
      `${placeOf(unknown)}: there is no key ${unknown}; the keys are ${keys.map(([key]) => key).join(', ')}`,
    )
  }
  const key = String(issue?.path[0])
  throw complain(`${placeOf(key)}: ${key}: ${complaintOf(error)}`)
}

/** @throws ExitError when it refers to itself, or to nothing */
function toObject(document: Document.Parsed, path: string): Record<string, unknown> {
  try {
    return (document.toJS() ?? {}) as Record<string, unknown>
  } catch (error) {
    // What the library throws for an alias without its anchor, and for too many aliases.
    if (!(error instanceof ReferenceError)) throw error
    throw complain(`${path}: ${error.message}`)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw complain(`can't read the configuration: ${error.message}`)
  }
}

function isSet(command: Command, name: string): boolean {
  const source = command.getOptionValueSource(name)
  return source === 'cli' || source === 'env'
}

/** Numbers and booleans without quotes, where that says the same. */
function plain(written: unknown): unknown {
  if (typeof written !== 'string') return written
  if (written === 'true' || written === 'false') return written === 'true'
  return /^(0|[1-9]\d{0,14})$/.test(written) ? Number(written) : written
}

function complain(message: string): ExitError {
  return new ExitError(ExitStatus.usage, message)
}
