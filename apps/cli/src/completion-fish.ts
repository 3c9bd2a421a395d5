import type { CompletedOption, CompletedProgram } from './completed-program.ts'

/** A script that completes a program in fish. */
export function fishScript({ name, options, commands }: CompletedProgram): string {
  const names = commands.map((command) => command.name).join(' ')
  const none = names === '' ? '' : ` -n 'not __fish_seen_subcommand_from ${names}'`
  const line = (condition: string, rest: string) => `complete -c ${name}${condition} ${rest}`
  return `${[
    `# Completion of ${name} for fish: ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    `complete -c ${name} -f`,
    ...options.map((option) => line(none, optionOf(option))),
    ...commands.map((command) => line(none, `-a ${command.name} -d ${quote(command.description)}`)),
    ...commands.flatMap(({ name: command, options: own, argument, choices }) => {
      const after = ` -n '__fish_seen_subcommand_from ${command}'`
      return [
        ...own.map((option) => line(after, optionOf(option))),
        ...(argument === 'file' ? [line(after, '-F')] : []),
        ...(argument === 'choice' ? [line(after, `-a ${quote(choices.join(' '))}`)] : []),
      ]
    }),
  ].join('\n')}\n`
}

function optionOf({ long, description, value, choices }: CompletedOption): string {
  const takes = { none: '', file: ' -r -F', choice: ` -x -a ${quote(choices.join(' '))}`, text: ' -x' }[value]
  return `-l ${long.slice(2)}${takes} -d ${quote(description)}`
}

const quote = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
