import { z } from 'zod'
import { OptionError } from './option-error.ts'

/** One setting of a program: a flag, an environment variable, and a key of its configuration file. */
export interface Flag<Value> {
  /** `--max-frame-length <size>` */
  readonly flags: string
  readonly description: string
  /** Parses a raw value from any source. An issue says what is expected. */
  readonly schema: z.ZodType<Value>
  /** The default as it would be typed; undefined if the flag is optional. */
  readonly defaultText: string | undefined
  /** `value`: one. `switch`: true or false; on the command line it has no value. `list`: can be given several times. */
  readonly kind: 'value' | 'switch' | 'list'
  /** All allowed values, if they are few. */
  readonly allowed?: readonly string[] | undefined
}

/** Parses a value as it is typed. Throws an {@link OptionError} if it is invalid. */
export interface Parse<Value> {
  (text: string): Value
  /** All allowed values, for completion in a shell; undefined if they are too many. */
  readonly allowed?: readonly string[]
}

export type Flags = Record<string, Flag<unknown>>

/** The values of all flags. The value of a flag without a default can be undefined. */
export type Values<All extends Flags> = {
  [name in keyof All]: All[name] extends Flag<infer Value> ? Value : never
}

/**
 * A flag with a default.
 *
 * @param defaultText the default as it would be typed
 */
export function flag<Value>(flags: string, description: string, parse: Parse<Value>, defaultText: string): Flag<Value> {
  return { flags, description, schema: schemaOf(parse), defaultText, kind: 'value', allowed: parse.allowed }
}

/** A flag without a default. */
export function optionalFlag<Value>(flags: string, description: string, parse: Parse<Value>): Flag<Value | undefined> {
  return { flags, description, schema: schemaOf(parse), defaultText: undefined, kind: 'value', allowed: parse.allowed }
}

/** A flag that is on or off: `--quiet`, `DEMO_LOADGEN_QUIET=true`, `quiet: true`. The default is off. */
export function switchFlag(flags: string, description: string): Flag<boolean> {
  return { flags, description, schema: schemaOf(parseBoolean), defaultText: 'false', kind: 'switch' }
}

/** A flag that can be given several times, or once with commas. In a file it is a list. */
export function listFlag<Value>(
  flags: string,
  description: string,
  parse: Parse<Value>,
): Flag<readonly Value[] | undefined> {
  const one = schemaOf(parse)
  const split = z.union([
    z.string().transform((text) => text.split(',').map((part) => part.trim())),
    z.array(z.unknown()),
  ])
  return { flags, description, schema: split.pipe(z.array(one)), defaultText: undefined, kind: 'list' }
}

/** `max-frame-length` for `maxFrameLength`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The error of an invalid value, in one line: `invalid --port 'x': expected a port from 0 to 65535`. */
export function invalidValue(name: string, value: unknown, { issues }: z.ZodError): string {
  const quoted = typeof value === 'object' || value === undefined ? '' : ` '${value}'`
  const line = `invalid ${name}${quoted}: ${issues[0]?.message ?? 'expected another value'}`
  return line.replaceAll(/\s*\n\s*/g, ' ')
}

/** Accepts text, or what YAML makes of text that looks like a number or a boolean. */
function schemaOf<Value>(parse: Parse<Value>): z.ZodType<Value> {
  return z
    .union([z.string(), z.number(), z.boolean()], {
      error: ({ input }) => `expected one value, got ${kindOf(input)}`,
    })
    .transform((value, context) => {
      try {
        return parse(String(value))
      } catch (error) {
        if (!(error instanceof OptionError)) throw error
        context.addIssue({ code: 'custom', message: error.message })
        return z.NEVER
      }
    })
}

function kindOf(input: unknown): string {
  if (input === null || input === undefined) return 'nothing'
  return Array.isArray(input) ? 'a list' : 'a mapping'
}

/** @throws OptionError if it is neither true nor false */
function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new OptionError('expected true or false')
}
