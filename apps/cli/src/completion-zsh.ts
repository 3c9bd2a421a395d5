import type { CompletedCommand, CompletedOption, CompletedProgram } from './completed-program.ts'

/** A script that completes a program in zsh. It can be sourced or put into the `fpath`. */
export function zshScript({ name, options, commands }: CompletedProgram): string {
  const fn = `_${name.replaceAll('-', '_')}`
  const described = commands.map(({ name: command, description }) => `${command}\\:${inList(description)}`)
  const first = commands.length === 0 ? [] : [quote(`1:command:((${described.join(' ')}))`)]
  return `${[
    `#compdef ${name}`,
    `# Completion of ${name} for zsh: ${name} completion zsh > "\${fpath[1]}/_${name}"`,
    `${fn}() {`,
    '  if (( CURRENT > 2 )); then',
    `    case \${words[2]} in`,
    ...commands.flatMap((command) => [
      `      ${command.name})`,
      '        shift words',
      '        (( CURRENT-- ))',
      `        ${call([...command.options.map(optionSpec), ...argumentSpec(command)])}`,
      '        return',
      '        ;;',
    ]),
    '    esac',
    '  fi',
    `  ${call([...options.map(optionSpec), ...first])}`,
    '}',
    `if [[ \${funcstack[1]} == ${fn} ]]; then`,
    `  ${fn} "$@"`,
    'else',
    `  compdef ${fn} ${name}`,
    'fi',
  ].join('\n')}\n`
}

const call = (specs: readonly string[]) => ['_arguments', ...specs].join(' \\\n          ')

function optionSpec({ long, description, value, choices, repeated }: CompletedOption): string {
  const action = { none: '', file: ':file:_files', choice: `:value:(${choices.join(' ')})`, text: ':value: ' }[value]
  const escaped = description.replaceAll(/[[\]\\:]/g, '\\$&')
  return quote(`${repeated ? '*' : ''}${long}${value === 'none' ? '' : '='}[${escaped}]${action}`)
}

function argumentSpec({ argument, choices }: CompletedCommand): string[] {
  if (argument === 'file') return [quote('*:file:_files')]
  return argument === 'choice' ? [quote(`1:value:(${choices.join(' ')})`)] : []
}

/** Escapes a description for a list of choices. */
const inList = (text: string) => text.replaceAll(/[\\ ():'"$`;&|<>*?#]/g, '\\$&')

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
