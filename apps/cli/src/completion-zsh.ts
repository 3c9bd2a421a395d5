import type { CompletedCommand, CompletedOption, CompletedProgram } from './completion.ts'

/** A script that completes a program in zsh, to be sourced, or put into the `fpath`. */
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

function optionSpec({ long, description, value, words, repeated }: CompletedOption): string {
  const action = { none: '', file: ':file:_files', words: `:value:(${words.join(' ')})`, text: ':value: ' }[value]
  const said = description.replaceAll(/[[\]\\:]/g, '\\$&')
  return quote(`${repeated ? '*' : ''}${long}${value === 'none' ? '' : '='}[${said}]${action}`)
}

function argumentSpec({ argument, words }: CompletedCommand): string[] {
  if (argument === 'file') return [quote('*:file:_files')]
  return argument === 'words' ? [quote(`1:value:(${words.join(' ')})`)] : []
}

/** A description between the brackets of a list of words. */
const inList = (text: string) => text.replaceAll(/[\\ ():'"$`;&|<>*?#]/g, '\\$&')

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
