import { execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  addCompletion,
  addFlags,
  Command,
  type Flags,
  listFlag,
  optionalFlag,
  parseCommandLine,
  parseCount,
  parseOneOf,
  parseText,
  switchFlag,
} from './index.ts'

const FLAGS = {
  arrival: optionalFlag('--arrival <arrival>', "how: it's [constant] or $random: see", parseOneOf(['even', 'poisson'])),
  amount: optionalFlag('--amount <n>', 'how many', parseCount),
  json: optionalFlag('--json <file>', 'where to', parseText),
  header: listFlag('--header <text>', 'several', parseText),
  quiet: switchFlag('--quiet', 'say nothing'),
} satisfies Flags

function createProgram(): Command {
  const program = new Command('demo-load')
  const run = program
    .command('run', { isDefault: true })
    .description('make load: "all" of it')
    .action(() => {})
  addFlags(run, 'DEMO', FLAGS)
  program
    .command('compare')
    .description('tell which')
    .argument('[files...]')
    .action(() => {})
  addCompletion(program, run)
  return program
}

/** The script for a shell, as the program prints it. */
async function scriptFor(program: Command, shell: string): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
  await parseCommandLine(program, ['node', 'demo-load', 'completion', shell]).catch((error: { status: number }) =>
    expect(error.status).toBe(0),
  )
  const text = write.mock.calls.map(([part]) => String(part)).join('')
  write.mockRestore()
  return text
}

/** A folder with the script, and with a file that can be completed. */
function folderWith(script: string): { folder: string; file: string } {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'before run.json'), '')
  writeFileSync(join(folder, 'script'), script)
  return { folder, file: join(folder, 'script') }
}

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['--version'])
    return true
  } catch {
    return false
  }
}

describe.skipIf(!isInstalled('bash'))('bash', () => {
  /** What bash would offer for the last of the words. */
  async function offered(program: Command, ...words: string[]): Promise<string[]> {
    const { folder, file } = folderWith(await scriptFor(program, 'bash'))
    const command = `
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      [[ $(complete -p "$1") == *' -F '* ]] || exit 1
      $(complete -p "$1" | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const text = execFileSync('bash', ['-c', command, 'bash', file, ...words], { cwd: folder, encoding: 'utf8' })
    return text.split('\n').filter((line) => line !== '')
  }

  test.each([
    { words: ['--ar'], expected: ['--arrival'] },
    { words: ['comp'], expected: ['compare', 'completion'] },
    { words: ['run', '--qu'], expected: ['--quiet'] },
    { words: ['compare', '--qu'], expected: [] },
    { words: ['--arrival', ''], expected: ['even', 'poisson'] },
    { words: ['run', '--arrival', '=', 'p'], expected: ['poisson'] },
    { words: ['run', '--arrival', '='], expected: ['even', 'poisson'] },
    { words: ['--amount', ''], expected: [] },
    { words: ['--json', 'bef'], expected: ['before run.json'] },
    { words: ['compare', 'bef'], expected: ['before run.json'] },
    { words: ['completion', ''], expected: ['bash', 'zsh', 'fish', '--help'] },
  ])('completes $words', async ({ words, expected }) => {
    expect(await offered(createProgram(), 'demo-load', ...words)).toEqual(expected)
  })

  test('completes a program without commands, with its flags', async () => {
    const program = addFlags(
      new Command('demo-serve').action(() => {}),
      'DEMO',
      FLAGS,
    )
    addCompletion(program)
    expect(await offered(program, 'demo-serve', '--am')).toEqual(['--amount'])
    expect(await offered(program, 'demo-serve', '--arrival', 'e')).toEqual(['even'])
  })
})

describe.skipIf(!isInstalled('fish'))('fish', () => {
  test.each([
    { line: '--ar', expected: ['--arrival'] },
    { line: 'comp', expected: ['compare', 'completion'] },
    { line: 'run --arrival ', expected: ['even', 'poisson'] },
    { line: '--json bef', expected: ['before run.json'] },
    { line: 'completion ', expected: ['bash', 'fish', 'zsh'] },
  ])('completes "$line"', async ({ line, expected }) => {
    const { folder, file } = folderWith(await scriptFor(createProgram(), 'fish'))
    const command = `source '${file}'; complete -C 'demo-load ${line}'`
    const text = execFileSync('fish', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
    })
    const words = text.split('\n').map((one) => one.split('\t')[0].replaceAll('\\', ''))
    expect(words.filter((word) => word !== '').sort()).toEqual(expected)
  })
})

// `script` of util-linux gives zsh a terminal, without which it completes nothing.
describe.skipIf(!isInstalled('zsh') || !isInstalled('script'))('zsh', () => {
  test.each([
    { line: 'run --arri\tpo\t', expected: 'run --arrival=poisson' },
    { line: '--qui\t', expected: '--quiet' },
    { line: 'compa\t', expected: 'compare' },
    { line: 'compare bef\t', expected: 'compare before run.json' },
  ])('completes $expected', async ({ line, expected }) => {
    const { folder, file } = folderWith(await scriptFor(createProgram(), 'zsh'))
    const zsh = spawn('script', ['-qec', 'zsh -f -i', '/dev/null'], {
      cwd: folder,
      env: { ...process.env, TERM: 'dumb' },
    })
    onTestFinished(() => void zsh.kill())
    let shown = ''
    zsh.stdout.on('data', (chunk) => {
      shown += chunk
    })
    const until = (text: string) => expect.poll(() => shown, { timeout: 20_000 }).toContain(text)
    zsh.stdin.write(`autoload -Uz compinit; compinit -D -u; source ${file}\n`)
    zsh.stdin.write('demo-load() { print -r -- "<$*>" }; print REA""DY\n')
    await until('READY')
    zsh.stdin.write(`demo-load ${line}\n`)
    await until(`<${expected}>`)
  })
})

test('a shell that there is no script for is one line and status 2', async () => {
  const end = parseCommandLine(createProgram(), ['node', 'demo-load', 'completion', 'tcsh'])
  await expect(end).rejects.toMatchObject({ status: 2, message: expect.stringContaining('bash, zsh, fish') })
})
