import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { ExitError, ExitStatus } from './exit.ts'

/** One flag of a program, with its environment variable. */
export interface Flag<Value> {
  /** `--max-frame-length <size>` */
  readonly flags: string
  readonly description: string
  /** Turns the text of a flag or a variable into a value; a RangeError says what is allowed. */
  readonly parse: (text: string) => Value
  /** The default as it would be typed, or undefined: the flag may be left out. */
  readonly standard: string | undefined
  /** Whether each parse adds to a list; the value is undefined when there was none. */
  readonly many?: boolean
}

export type Flags = Record<string, Flag<unknown>>

/** A flag with a default, given as it would be typed. */
export function flag<Value>(
  flags: string,
  description: string,
  parse: (text: string) => Value,
  standard: string,
): Flag<Value> {
  return { flags, description, parse, standard }
}

/** A flag that may be left out. */
export function optionalFlag<Value>(
  flags: string,
  description: string,
  parse: (text: string) => Value,
): Flag<Value | undefined> {
  return { flags, description, parse, standard: undefined }
}

/** A flag that may be given again and again, or once with several values between commas. */
export function listFlag<Value>(
  flags: string,
  description: string,
  parse: (text: string) => Value,
): Flag<readonly Value[] | undefined> {
  return { flags, description, parse: (text) => text.split(',').map(parse), standard: undefined, many: true }
}

/** A flag without a value: true when it is given, undefined when not. In the environment `0` and `false` are not. */
export function switchFlag(flags: string, description: string): Flag<true | undefined> {
  return { flags, description, parse: () => true, standard: undefined }
}

/** The values of all flags; one without a default may be undefined. */
export type Values<All extends Flags> = {
  [name in keyof All]: All[name] extends Flag<infer Value> ? Value : never
}

/**
 * Adds flags to a command. A flag beats its environment variable, which beats its default.
 *
 * @param variables what the environment variables begin with: `DEMO_SERVER` makes `DEMO_SERVER_PORT` of `--port`
 */
export function addFlags(command: Command, variables: string, flags: Flags): Command {
  for (const { flags: names, description, parse, standard, many } of Object.values(flags)) {
    const option = new Option(names, description)
    const variable = `${variables}_${option.name().replaceAll('-', '_').toUpperCase()}`
    const off = option.isBoolean() && ['', '0', 'false'].includes(process.env[variable] ?? '1')
    if (!off) option.env(variable)
    option.argParser((text, before: unknown) => {
      try {
        const value = parse(text)
        return many === true && Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value
      } catch (error) {
        throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
      }
    })
    if (standard !== undefined) option.default(parse(standard), standard)
    command.addOption(option)
  }
  return command
}

/**
 * Parses the command line.
 *
 * @param argv as in `process.argv`: the program's own arguments begin at the third
 * @throws ExitError with status 2 and one line, or 0 where help or version was asked for
 */
export async function parseCommandLine(command: Command, argv: readonly string[]): Promise<void> {
  let complaint = ''
  const settle = (one: Command) => {
    one.exitOverride()
    one.configureOutput({ writeErr: (text) => (complaint += text) })
    one.commands.forEach(settle)
  }
  settle(command)
  const last = argv.at(-1)
  if (last === '--help' || last === '-h') forgetEnvironment(command)
  try {
    await command.parseAsync([...argv])
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) throw new ExitError(ExitStatus.ok, '')
    const line = complaint
      .trim()
      .replace(/^error: /, '')
      .replaceAll(/\s*\n\s*/g, ' ')
    throw new ExitError(ExitStatus.usage, `${line}; see --help`)
  }
}

/** Help, asked for last, is given even where a variable of the environment is wrong. */
function forgetEnvironment(command: Command): void {
  for (const { envVar } of command.options) if (envVar !== undefined) delete process.env[envVar]
  command.commands.forEach(forgetEnvironment)
}

export { Command }
