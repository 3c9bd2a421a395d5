/**
 * Runs the benchmarks one after the other: all, or those with one of the given words in their path.
 *
 *     pnpm bench              everything, about six minutes
 *     pnpm bench frame        packages/frame/bench
 *     pnpm bench throughput   apps/server/bench/throughput.bench.ts
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)

const benchmarks = ['packages', 'apps']
  .flatMap((part) => readdirSync(join(root, part)).map((name) => join(part, name, 'bench')))
  .flatMap((folder) => filesOf(folder).map((file) => join(folder, file)))
  .filter((file) => file.endsWith('.bench.ts'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))

if (benchmarks.length === 0) {
  console.error(`no benchmark has ${words.join(' or ')} in its path`)
  process.exitCode = 2
}

for (const file of benchmarks) {
  console.log(`\n${file}`)
  const { status } = spawnSync(join(root, 'node_modules/.bin/tsx'), [join(root, file)], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(join(root, folder))
  } catch {
    return []
  }
}
