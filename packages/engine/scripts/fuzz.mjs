// Fuzzes the cutter and the states of a connection, with AddressSanitizer and UndefinedBehaviorSanitizer, by libFuzzer of clang
// (Debian: clang, libclang-rt-14-dev). Ends with 1 at the first finding, whose input it leaves in the current folder.
//   node packages/engine/scripts/fuzz.mjs [--seconds 600] [--target cutter|engine]
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each fuzzer is built from; the one of the engine includes the engine itself. */
const TARGETS = {
  cutter: ['fuzz/cutter_fuzzer.c', 'native/cutter.c'],
  engine: ['fuzz/engine_fuzzer.c', 'native/cutter.c', 'native/answers.c'],
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, target: { type: 'string' } },
})
const folder = mkdtempSync(join(tmpdir(), 'engine-fuzz-'))
try {
  for (const [name, sources] of Object.entries(TARGETS)) {
    if (values.target === undefined || values.target === name) fuzz(name, sources, Number(values.seconds))
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

function fuzz(name, sources, seconds) {
  const program = join(folder, name)
  const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined']
  execFileSync('clang', ['-std=c11', '-g', '-O1', ...sanitizers, '-o', program, ...sources], {
    cwd: root,
    stdio: 'inherit',
  })
  const seeds = join(root, 'fuzz/seeds', name)
  const corpus = mkdtempSync(join(folder, 'corpus-'))
  const given = existsSync(seeds) && readdirSync(seeds).length > 0 ? [seeds] : []
  console.log(`${name}: ${seconds} s`)
  execFileSync(program, [`-max_total_time=${seconds}`, '-max_len=9000', '-print_final_stats=1', corpus, ...given], {
    stdio: 'inherit',
  })
}
