import { Command, CommanderError, Option } from 'commander'
import { dropServiceVariables, refuseUnknownVariables } from './environment.ts'
import { ExitError, ExitStatus, usageError } from './exit.ts'
import { type Flag, type Flags, invalidValue } from './flag.ts'

/** A flag as an option of commander, with its raw value. */
export class FlagOption extends Option {
  /** The prefix of all environment variables of the program, and the name of this flag's variable. */
  readonly variablePrefix: string
  readonly variable: string
  /** All allowed values, if they are few. */
  readonly allowed: readonly string[]
  /** Whether it can be given several times. */
  readonly repeated: boolean
  /** The value as it was typed, or as it is in a file; undefined if there is none. */
  raw: unknown
  /** Where the value is, if it is from a file: `demo.yaml:3`. */
  place: string | undefined
  /** Whether commander is reading the variable, and no longer the command line. */
  readsVariable = false

  constructor(flag: Flag<unknown>, variablePrefix: string) {
    const { flags, description, defaultText, kind, allowed = [] } = flag
    super(flags, description)
    this.allowed = allowed
    this.repeated = kind === 'list'
    // Commander would let `--no-x` switch off `x`. Here it is a flag of its own, off by default, with the key `noX`.
    this.negate = false
    this.raw = defaultText
    this.variablePrefix = variablePrefix
    this.variable = `${variablePrefix}_${this.name().replaceAll('-', '_').toUpperCase()}`
    if (kind !== 'switch' || isOn(flag, this.variable)) this.env(this.variable)
    if (kind !== 'switch')
      this.argParser((text: string, before: unknown) => {
        const value = parseValue(flag, this.readsVariable ? this.variable : String(this.long), text)
        const isRepetition = kind === 'list' && Array.isArray(before)
        this.raw = isRepetition ? [this.raw, text].flat() : text
        return isRepetition ? [...before, ...(value as unknown[])] : value
      })
    if (defaultText !== undefined) this.default(parseDefault(flag, defaultText), defaultText)
  }
}

/**
 * Adds flags to a command. A flag beats its environment variable, which beats its default.
 *
 * @param variablePrefix the prefix of the environment variables: with `DEMO_SERVER`, `--port` is `DEMO_SERVER_PORT`
 */
export function addFlags(command: Command, variablePrefix: string, flags: Flags): Command {
  dropServiceVariables(variablePrefix)
  for (const flag of Object.values(flags)) {
    const option = new FlagOption(flag, variablePrefix)
    // Added before the option, so it is called before commander parses the variable.
    command.on(`optionEnv:${option.name()}`, () => {
      option.readsVariable = true
    })
    command.addOption(option)
  }
  return command
}

/** @throws ExitError with status 2 */
function parseValue({ schema }: Flag<unknown>, name: string, text: string): unknown {
  const { success, data, error } = schema.safeParse(text)
  if (success) return data
  throw usageError(`${invalidValue(name, text, error)}; see --help`)
}

/** For commander a switch is on if its variable is set to anything. @throws ExitError with status 2 */
function isOn(flag: Flag<unknown>, variable: string): boolean {
  return parseValue(flag, variable, process.env[variable] ?? 'false') === true
}

/** @throws RangeError if the program's own default is invalid */
function parseDefault({ flags, schema }: Flag<unknown>, text: string): unknown {
  const { success, data, error } = schema.safeParse(text)
  if (success) return data
  throw new RangeError(invalidValue(`default of ${flags}`, text, error))
}

/**
 * Parses the command line.
 *
 * @param argv as in `process.argv`: the program's own arguments begin at the third
 * @throws ExitError with status 2 and one line, or with status 0 after help or version
 */
export async function parseCommandLine(command: Command, argv: readonly string[]): Promise<void> {
  let output = ''
  const configure = (one: Command) => {
    one.exitOverride()
    one.configureOutput({ writeErr: (text) => (output += text) })
    one.commands.forEach(configure)
  }
  configure(command)
  command.hook('preAction', () => checkVariables(command))
  const last = argv.at(-1)
  if (last === '--help' || last === '-h') dropFlagVariables(command)
  try {
    await command.parseAsync([...argv])
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) throw new ExitError(ExitStatus.ok, '')
    const line = output
      .trim()
      .replace(/^error: /, '')
      .replaceAll(/\s*\n\s*/g, ' ')
    throw usageError(`${line}; see --help`)
  }
}

/** @throws ExitError if a variable has the program's prefix and is not the variable of a flag */
function checkVariables(command: Command): void {
  const options = flagOptionsOf(command)
  const known = options.map(({ variable }) => variable)
  const prefixes = new Set(options.map(({ variablePrefix }) => variablePrefix))
  for (const prefix of prefixes) refuseUnknownVariables(prefix, known)
}

/** The flags of a command and of its subcommands, which read the same variables. */
function flagOptionsOf({ options, commands }: Command): FlagOption[] {
  return [...options.filter((option) => option instanceof FlagOption), ...commands.flatMap(flagOptionsOf)]
}

/** `--help` as the last argument prints the help even if a variable is invalid. */
function dropFlagVariables(command: Command): void {
  for (const { envVar } of command.options) if (envVar !== undefined) delete process.env[envVar]
  command.commands.forEach(dropFlagVariables)
}

export { Command }
