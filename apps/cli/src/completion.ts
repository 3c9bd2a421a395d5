import { Argument, type Command, type Option } from 'commander'
import { FlagOption } from './command.ts'
import type { CompletedCommand, CompletedOption, CompletedProgram } from './completed-program.ts'
import { bashScript } from './completion-bash.ts'
import { fishScript } from './completion-fish.ts'
import { zshScript } from './completion-zsh.ts'
import { ExitError, ExitStatus } from './exit.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

const HELP = `
  bash: source <(PROGRAM completion bash)
  zsh:  PROGRAM completion zsh > "\${fpath[1]}/_PROGRAM"
  fish: PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish`

/**
 * Adds the command `completion`, which prints a script that completes commands, flags and their values in a shell. The
 * script contains all of them, so completing does not start the program.
 *
 * @param defaultCommand the command that runs when none is typed
 */
export function addCompletion(program: Command, defaultCommand?: Command): void {
  const shell = new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS))
  program
    .command('completion')
    .description('print a script that completes the command line in a shell')
    .allowExcessArguments(false)
    .addArgument(shell)
    .addHelpText('after', HELP.replaceAll('PROGRAM', program.name()))
    .action((name: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[name](describe(program, defaultCommand)))
      throw new ExitError(ExitStatus.ok, '')
    })
}

function describe(program: Command, defaultCommand: Command | undefined): CompletedProgram {
  const help = program.createHelp()
  const own = optionsOf(program)
  const more = defaultCommand === undefined ? [] : optionsOf(defaultCommand).filter(({ long }) => long !== '--help')
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

function argumentOf({ registeredArguments }: Command): Pick<CompletedCommand, 'argument' | 'choices'> {
  const [first] = registeredArguments
  if (first === undefined) return { argument: 'none', choices: [] }
  if (first.argChoices !== undefined) return { argument: 'choice', choices: first.argChoices }
  return { argument: first.name().startsWith('file') ? 'file' : 'text', choices: [] }
}

function optionsOf(command: Command): CompletedOption[] {
  return command.createHelp().visibleOptions(command).flatMap(describeOption)
}

/** The placeholder of a flag whose value is a file name. */
const FILE = /<(file|path|module)>/

function describeOption(option: Option): CompletedOption[] {
  const { long, description, flags } = option
  if (long === undefined || long === null) return []
  const choices = option instanceof FlagOption ? option.allowed : []
  const repeated = option instanceof FlagOption && option.repeated
  return [{ long, description, choices, repeated, value: kindOfValue(option.isBoolean(), flags, choices) }]
}

function kindOfValue(isBoolean: boolean, flags: string, choices: readonly string[]): CompletedOption['value'] {
  if (isBoolean) return 'none'
  if (choices.length > 0) return 'choice'
  return FILE.test(flags) ? 'file' : 'text'
}
