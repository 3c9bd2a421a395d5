import { Argument, type Command, type Option } from 'commander'
import { FlagOption } from './command.ts'
import { bashScript } from './completion-bash.ts'
import { fishScript } from './completion-fish.ts'
import { zshScript } from './completion-zsh.ts'
import { ExitError, ExitStatus } from './exit.ts'

/** An option as a shell completes it. */
export interface CompletedOption {
  /** `--rate` */
  readonly long: string
  readonly description: string
  /** What comes after it: nothing, the name of a file, one of some words, or something that no shell knows. */
  readonly value: 'none' | 'file' | 'words' | 'text'
  readonly words: readonly string[]
  readonly repeated: boolean
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly CompletedOption[]
  /** What it takes beside its options. */
  readonly argument: CompletedOption['value']
  readonly words: readonly string[]
}

/** A program as a shell completes it. */
export interface CompletedProgram {
  readonly name: string
  /** The options where no command was typed: those of the program, and those of its default command. */
  readonly options: readonly CompletedOption[]
  readonly commands: readonly CompletedCommand[]
}

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

const HELP = `
  bash: source <(PROGRAM completion bash)
  zsh:  PROGRAM completion zsh > "\${fpath[1]}/_PROGRAM"
  fish: PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish`

/**
 * Adds the command `completion`, which prints a script that completes commands, flags and their values in a shell. The
 * script has all of them in it: no program is started at a press of the key.
 *
 * @param standard the command that is run when none is typed
 */
export function addCompletion(program: Command, standard?: Command): void {
  const shell = new Argument('<shell>', 'for which shell').choices(Object.keys(SCRIPTS))
  program
    .command('completion')
    .description('print a script that completes the command line in a shell')
    .allowExcessArguments(false)
    .addArgument(shell)
    .addHelpText('after', HELP.replaceAll('PROGRAM', program.name()))
    .action((name: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[name](describe(program, standard)))
      throw new ExitError(ExitStatus.ok, '')
    })
}

function describe(program: Command, standard: Command | undefined): CompletedProgram {
  const help = program.createHelp()
  const own = optionsOf(program)
  const more = standard === undefined ? [] : optionsOf(standard).filter(({ long }) => long !== '--help')
  return {
    name: program.name(),
    options: [...own, ...more],
    commands: help.visibleCommands(program).map((command) => ({
      name: command.name(),
      description: command.description(),
      options: optionsOf(command),
      ...argumentOf(command),
    })),
  }
}

function argumentOf({ registeredArguments }: Command): Pick<CompletedCommand, 'argument' | 'words'> {
  const [first] = registeredArguments
  if (first === undefined) return { argument: 'none', words: [] }
  if (first.argChoices !== undefined) return { argument: 'words', words: first.argChoices }
  return { argument: first.name().startsWith('file') ? 'file' : 'text', words: [] }
}

function optionsOf(command: Command): CompletedOption[] {
  return command.createHelp().visibleOptions(command).flatMap(describeOption)
}

/** What stands between the angle brackets of a flag whose value is the name of a file. */
const FILE = /<(file|path|module)>/

function describeOption(option: Option): CompletedOption[] {
  const { long, description, flags } = option
  if (long === undefined || long === null) return []
  const words = option instanceof FlagOption ? option.words : []
  const repeated = option instanceof FlagOption && option.repeated
  return [{ long, description, words, repeated, value: kindOfValue(option.isBoolean(), flags, words) }]
}

function kindOfValue(isBoolean: boolean, flags: string, words: readonly string[]): CompletedOption['value'] {
  if (isBoolean) return 'none'
  if (words.length > 0) return 'words'
  return FILE.test(flags) ? 'file' : 'text'
}
