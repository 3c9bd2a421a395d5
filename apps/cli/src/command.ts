import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { forgetService, refuseUnknownVariables } from './environment.ts'
import { ExitError, ExitStatus } from './exit.ts'
import { complaintOf, type Flag, type Flags } from './flag.ts'

/** A flag as commander knows it, with what was written for it. */
export class FlagOption extends Option {
  /** Its environment variable, and what that one begins with, which all of a program's do. */
  readonly variable: string
  readonly variables: string
  /** As it would be typed, or as it stands in a file; undefined when it was left out. */
  written: unknown
  /** Where it stands, if it is from a file: `demo.yaml:3`. */
  place: string | undefined

  /** All values there are, where they are few. */
  readonly words: readonly string[]
  /** Whether it may be given several times. */
  readonly repeated: boolean

  constructor(flag: Flag<unknown>, variables: string) {
    const { flags, description, standard, kind, words = [] } = flag
    super(flags, description)
    this.words = words
    this.repeated = kind === 'list'
    // For commander `--no-x` would switch off `x`. Here it is a switch of its own, off unless given: its key is `noX`.
    this.negate = false
    this.written = standard
    this.variables = variables
    this.variable = `${variables}_${this.name().replaceAll('-', '_').toUpperCase()}`
    if (kind !== 'switch' || isOn(flag, this.variable)) this.env(this.variable)
    if (kind !== 'switch')
      this.argParser((text: string, before: unknown) => {
        const value = parseText(flag, text)
        const more = kind === 'list' && Array.isArray(before)
        this.written = more ? [this.written, text].flat() : text
        return more ? [...before, ...(value as unknown[])] : value
      })
    if (standard !== undefined) this.default(parseDefault(flag, standard), standard)
  }
}

/**
 * Adds flags to a command. A flag beats its environment variable, which beats its default.
 *
 * @param variables what the environment variables begin with: `DEMO_SERVER` makes `DEMO_SERVER_PORT` of `--port`
 */
export function addFlags(command: Command, variables: string, flags: Flags): Command {
  forgetService(variables)
  for (const flag of Object.values(flags)) command.addOption(new FlagOption(flag, variables))
  return command
}

function parseText({ schema }: Flag<unknown>, text: string): unknown {
  const { success, data, error } = schema.safeParse(text)
  if (success) return data
  throw new InvalidArgumentError(complaintOf(error))
}

/** For commander a switch is on as soon as its variable is there, whatever it says. @throws ExitError with status 2 */
function isOn({ flags, schema }: Flag<unknown>, variable: string): boolean {
  const text = process.env[variable]
  const { success, data, error } = schema.safeParse(text ?? 'false')
  if (success) return data === true
  const message = `option '${flags}' value '${text}' from env '${variable}' is invalid. ${complaintOf(error)}; see --help`
  throw new ExitError(ExitStatus.usage, message)
}

/** @throws RangeError when it can't be: a mistake of the program's own */
function parseDefault({ flags, schema }: Flag<unknown>, text: string): unknown {
  const { success, data, error } = schema.safeParse(text)
  if (success) return data
  throw new RangeError(`the default of ${flags}: ${complaintOf(error)}`)
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
  command.hook('preAction', () => checkVariables(command))
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

/** @throws ExitError when there is one that begins like those of the flags, and is none */
function checkVariables(command: Command): void {
  const options = flagOptionsOf(command)
  const known = options.map(({ variable }) => variable)
  for (const prefix of new Set(options.map(({ variables }) => variables))) refuseUnknownVariables(prefix, known)
}

/** Its own, and those of its subcommands, which read the same variables. */
function flagOptionsOf({ options, commands }: Command): FlagOption[] {
  return [...options.filter((option) => option instanceof FlagOption), ...commands.flatMap(flagOptionsOf)]
}

/** Help, asked for last, is given even where a variable of the environment is wrong. */
function forgetEnvironment(command: Command): void {
  for (const { envVar } of command.options) if (envVar !== undefined) delete process.env[envVar]
  command.commands.forEach(forgetEnvironment)
}

export { Command }
