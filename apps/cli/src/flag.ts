import { z } from 'zod'
import { OptionError } from './option-error.ts'

/** One setting of a program: a flag, an environment variable, and a key of its configuration file. */
export interface Flag<Value> {
  /** `--max-frame-length <size>` */
  readonly flags: string
  readonly description: string
  /** Turns what was written into a value, wherever it was written; an issue says what is allowed. */
  readonly schema: z.ZodType<Value>
  /** The default as it would be typed, or undefined: it may be left out. */
  readonly standard: string | undefined
  /** `value`: one. `switch`: true or false; on the command line it has no value. `list`: may be given several times. */
  readonly kind: 'value' | 'switch' | 'list'
  /** All values there are, where they are few. */
  readonly words?: readonly string[] | undefined
}

/** Reads a value as it is typed. Throws an {@link OptionError} when it is invalid. */
export interface Parse<Value> {
  (text: string): Value
  /** All values there are, for completion in a shell; undefined when there are too many. */
  readonly words?: readonly string[]
}

export type Flags = Record<string, Flag<unknown>>

/** The values of all flags; one without a default may be undefined. */
export type Values<All extends Flags> = {
  [name in keyof All]: All[name] extends Flag<infer Value> ? Value : never
}

/**
 * A flag with a default, given as it would be typed.
 *
 * @param parse throws an OptionError that says what is allowed
 */
export function flag<Value>(flags: string, description: string, parse: Parse<Value>, standard: string): Flag<Value> {
  return { flags, description, schema: written(parse), standard, kind: 'value', words: parse.words }
}

/** A flag that may be left out. */
export function optionalFlag<Value>(flags: string, description: string, parse: Parse<Value>): Flag<Value | undefined> {
  return { flags, description, schema: written(parse), standard: undefined, kind: 'value', words: parse.words }
}

/** A flag that is on or off: `--quiet`, `DEMO_LOADGEN_QUIET=true`, `quiet: true`. It is off unless given. */
export function switchFlag(flags: string, description: string): Flag<boolean> {
  return { flags, description, schema: written(parseBoolean), standard: 'false', kind: 'switch' }
}

/** A flag that may be given several times, or once with commas; in a file as a list. None unless given. */
export function listFlag<Value>(
  flags: string,
  description: string,
  parse: Parse<Value>,
): Flag<readonly Value[] | undefined> {
  const one = written(parse)
  const split = z.union([
    z.string().transform((text) => text.split(',').map((part) => part.trim())),
    z.array(z.unknown()),
  ])
  return { flags, description, schema: split.pipe(z.array(one)), standard: undefined, kind: 'list' }
}

/** `max-frame-length` for `maxFrameLength`. */
export function keyOf(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** What is wrong with something written, in a few words. */
export function complaintOf({ issues }: z.ZodError): string {
  return issues[0]?.message ?? 'it is invalid'
}

/** Text, or what YAML makes of text that looks like a number or a boolean. */
function written<Value>(parse: Parse<Value>): z.ZodType<Value> {
  return z
    .union([z.string(), z.number(), z.boolean()], {
      error: ({ input }) => `it must be one value, and is ${kindOf(input)}`,
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
  if (input === null || input === undefined) return 'empty'
  return Array.isArray(input) ? 'a list' : 'a mapping'
}

/** @throws OptionError when it is neither */
function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new OptionError('it must be true or false')
}
