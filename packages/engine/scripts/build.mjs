// Builds the addon for one kind of machine: with no arguments for this one, into `prebuilds`, where node-gyp-build looks.
//   node scripts/build.mjs [--target linux-x64|linux-arm64] [--libc glibc|musl] [--cc COMPILER] [--sanitize] [--out FILE]
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { include_dir: headers } = createRequire(import.meta.url)('node-api-headers')

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: `${process.platform}-${process.arch}` },
    libc: { type: 'string', default: libcOfThisMachine() },
    cc: { type: 'string', default: process.env.CC ?? 'cc' },
    sanitize: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const { target, libc, cc, sanitize } = values
const out = values.out ?? join(root, 'prebuilds', target, `engine.${libc}.node`)
const sources = ['addon', 'engine', 'cutter', 'answers', 'listening'].map((name) => join(root, 'native', `${name}.c`))
const warnings = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror']
const optimized = ['-O2', '-g0', '-s', '-D_FORTIFY_SOURCE=2', '-fstack-protector-strong']
const sanitized = [
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=undefined',
]

mkdirSync(dirname(out), { recursive: true })
execFileSync(
  cc,
  [
    ...['-std=c11', '-shared', '-fPIC', '-fvisibility=hidden', '-Wl,-z,relro,-z,now', ...warnings],
    ...(sanitize ? sanitized : optimized),
    ...['-I', headers, '-o', out, ...sources],
  ],
  { stdio: 'inherit' },
)
console.log(out)

function libcOfThisMachine() {
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}
