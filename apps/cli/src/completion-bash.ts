import type { CompletedCommand, CompletedOption, CompletedProgram } from './completed-program.ts'

/** A script that completes a program in bash 3.2 and later. */
export function bashScript({ name, options, commands }: CompletedProgram): string {
  const fn = `_${name.replaceAll('-', '_')}`
  const names = commands.map((command) => command.name)
  const isCommand = names.length === 0 ? [] : [`      ${names.join('|')}) command=$word; break ;;`]
  return `${[
    `# Completion of ${name} for bash: source <(${name} completion bash)`,
    `${fn}() {`,
    `  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= word words= files=`,
    '  # Bash splits --flag=value into three words.',
    '  if [[ $current == "=" ]]; then',
    '    current=',
    '  elif [[ $previous == "=" ]]; then',
    `    previous=\${COMP_WORDS[COMP_CWORD - 2]}`,
    '  fi',
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do`,
    '    case $word in',
    ...isCommand,
    '      *) ;;',
    '    esac',
    '  done',
    '  case $command in',
    ...commands.map((command) => branch(command.name, command.options, argumentOf(command))),
    branch("''", options, names.length === 0 ? '' : `words="${namesOf(options)} ${names.join(' ')}"`),
    '  esac',
    "  local IFS=$'\\n'",
    '  if [[ -n $files ]]; then',
    '    compopt -o filenames 2>/dev/null',
    '    COMPREPLY=($(compgen -f -- "$current"))',
    '  else',
    `    COMPREPLY=($(compgen -W "\${words// /$'\\n'}" -- "$current"))`,
    '  fi',
    '}',
    `complete -F ${fn} ${name}`,
  ].join('\n')}\n`
}

/** Completes after a command: the value of the previous option, or an option, or an argument. */
function branch(command: string, options: readonly CompletedOption[], argument: string): string {
  const cases = options
    .filter(({ value }) => value !== 'none')
    .map(({ long, value, choices }) => {
      if (value === 'choice') return `        ${long}) words="${choices.join(' ')}" ;;`
      return `        ${long}) ${value === 'file' ? 'files=yes' : ':'} ;;`
    })
  return [
    `    ${command})`,
    '      case $previous in',
    ...cases,
    `        *) ${argument === '' ? `words="${namesOf(options)}"` : argument} ;;`,
    '      esac',
    '      ;;',
  ].join('\n')
}

const namesOf = (options: readonly CompletedOption[]) => options.map(({ long }) => long).join(' ')

/** An argument is completed unless an option has begun. */
function argumentOf({ argument, choices, options }: CompletedCommand): string {
  if (argument === 'choice') return `words="${choices.join(' ')} ${namesOf(options)}"`
  if (argument !== 'file') return ''
  return `if [[ $current == -* ]]; then words="${namesOf(options)}"; else files=yes; fi`
}
