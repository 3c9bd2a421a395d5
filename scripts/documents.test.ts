import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bin, PACKAGES as packages, root } from './testing/workspace.ts'

const documents = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'infra/README.md',
  'examples/README.md',
  'packages/testkit/README.md',
  ...['docs', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  ),
  ...packages.map((name) => `packages/${name}/README.md`),
]
const textOf = (document: string) => readFileSync(join(root, document), 'utf8')

/** A test runs the blocks with this first line. The port 8888 in them is replaced by that of a running server. */
const RUNS = '// runs\n'

const blocks = documents.flatMap((document) =>
  [...textOf(document).matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ''], i) => ({ document, number: i + 1, code })),
)

/** Blocks of JavaScript that begin with the name of a file. Other blocks may import that file. */
const FILE = /^```js\n(\/\/ ([\w-]+\.m?js)\n.*?)^```/gms

/** A folder in which the packages are installed, as in a user's project. */
const folder = join(root, 'node_modules/.cache/documents')
const fileOf = ({ document, number }: { document: string; number: number }) =>
  join(folder, `${document.replaceAll(/\W/g, '-')}-${number}.ts`)

let server: ChildProcess | undefined

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'node_modules/@demo'), { recursive: true })
  for (const name of packages) symlinkSync(join(root, 'packages', name), join(folder, 'node_modules/@demo', name))
  const program = join(root, 'apps/server/dist/main.js')
  server = spawn(process.execPath, [program, '--port', '0', '--metrics-port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [line] = await once(createInterface({ input: server.stderr as NodeJS.ReadableStream }), 'line')
  const { port } = JSON.parse(line) as { port: number }
  for (const document of documents) {
    for (const [, code = '', name = ''] of textOf(document).matchAll(FILE)) writeFileSync(join(folder, name), code)
  }
  for (const block of blocks) {
    const code = block.code.startsWith(RUNS) ? block.code.replaceAll('8888', String(port)) : block.code
    writeFileSync(fileOf(block), `${code}\nexport {}\n`)
  }
})

afterAll(() => server?.kill())

describe('examples', () => {
  test('there are examples for each package, and one of them runs', () => {
    for (const name of packages) {
      const own = blocks.filter(({ document }) => document === `packages/${name}/README.md`)
      expect(own.some(({ code }) => code.startsWith(RUNS))).toBe(true)
    }
  })

  test('all type-check against the packages', () => {
    const extended = join(root, 'tsconfig.base.json')
    const compilerOptions = {
      types: ['node'],
      lib: ['ES2023', 'ESNext.Disposable'],
      typeRoots: [join(root, 'node_modules/@types')],
    }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: extended, compilerOptions, include: ['*.ts'] }),
    )
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    execFileSync(bin('tsc'), ['-p', folder], { encoding: 'utf8', stdio: 'pipe' })
  })

  test.each(blocks.filter(({ code }) => code.startsWith(RUNS)))('number $number of $document runs', (block) => {
    const loader = import.meta.resolve('tsx')
    execFileSync(process.execPath, ['--import', loader, fileOf(block)], {
      encoding: 'utf8',
      stdio: 'pipe',
      timeout: 20_000,
    })
  })
})

describe.each(documents)('%s', (document) => {
  const text = textOf(document)

  test('links to files that exist', () => {
    const targets = [...text.matchAll(/\]\(([^)#]*)(?:#[^)]*)?\)/g)].map(([, target = '']) => target)
    const files = targets.filter((target) => target !== '' && !/^https?:/.test(target))
    for (const file of files) expect(existsSync(join(root, dirname(document), file)), file).toBe(true)
  })

  test('names files that exist', () => {
    const named = [...text.matchAll(/`((?:packages|apps|scripts|infra|docs)\/[\w./-]+)`/g)].map(([, file = '']) => file)
    for (const file of named) expect(existsSync(join(root, file)), file).toBe(true)
  })

  test('names scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    const tools = ['exec', 'install', 'vitest', 'fetch', 'deploy', 'pack']
    const known = [...Object.keys(scripts), ...tools]
    const named = [...text.matchAll(/\b(?:npm run|pnpm) ([a-z][a-z:-]*)/g)].map(([, name]) => name)
    for (const name of named) expect(known).toContain(name)
  })
})

test('all flags of demo-server are in docs/operations.md, with their defaults', () => {
  const program = join(root, 'apps/server/dist/main.js')
  const help = execFileSync(process.execPath, [program, '--help'], { encoding: 'utf8' })
  const operations = textOf('docs/operations.md')
  const options = help.split(/\n {2}(?=-)/).map((option) => option.replaceAll(/\s+/g, ' '))
  const flags = options
    .slice(1)
    .map((option) => [/--[a-z-]+/.exec(option)?.[0], /\(default: ([^,]+), env/.exec(option)?.[1]])
  const ours = flags.filter(([flag]) => flag !== '--version' && flag !== '--help')
  expect(ours.length).toBeGreaterThan(25)
  for (const [flag, standard] of ours) {
    expect(operations, flag).toContain(`\`${flag}`)
    if (standard === undefined || standard === 'false') continue
    const row = operations.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${flag}\``))
    expect(row, flag).toContain(`\`${standard}\``)
  }
})

test('each close reason has its line in docs/operations.md', async () => {
  const { CLOSE_REASONS } = (await import(join(root, 'packages/server/dist/index.js'))) as { CLOSE_REASONS: string[] }
  for (const reason of CLOSE_REASONS) expect(textOf('docs/operations.md')).toContain(`\`${reason}\``)
})

test('each decision has its own number, and a line in docs/decisions/README.md', () => {
  const records = readdirSync(join(root, 'docs/decisions')).filter((file) => file !== 'README.md')
  expect(new Set(records.map((file) => file.slice(0, 4))).size).toBe(records.length)
  for (const file of records) {
    expect(file).toMatch(/^\d{4}-[a-z\d-]+\.md$/)
    expect(textOf(`docs/decisions/${file}`)).toMatch(
      /^# \d{4}: .+\n(.*\n)*## Context\n(.*\n)*## Decision\n(.*\n)*## Consequence\n/,
    )
    expect(textOf('docs/decisions/README.md')).toContain(`(${file})`)
  }
})
