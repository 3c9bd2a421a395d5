// Builds the addon with nothing but a C compiler: with no arguments for this machine, into `prebuilds`, where
// node-gyp-build looks. Without a usable compiler, or on another system than Linux, it says so in one line and succeeds,
// unless `--required` or any other argument asks for a binary.
//   node scripts/build.mjs [--required] [--target linux-x64|linux-arm64] [--libc glibc|musl] [--cc COMPILER] [--sanitize]
//                          [--out FILE]
// With ENGINE_PREBUILT=1 it builds nothing: the binaries of a release were built elsewhere, and are in `prebuilds`.
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import headers from 'node-api-headers'

const root = fileURLToPath(new URL('..', import.meta.url))
const TARGETS = ['linux-x64', 'linux-arm64']
const LIBCS = ['glibc', 'musl']
const SOURCES = ['addon', 'engine', 'cutter', 'answers', 'listening'].map((name) => `native/${name}.c`)

const { values } = parseArgs({
  options: {
    required: { type: 'boolean', default: false },
    target: { type: 'string' },
    libc: { type: 'string' },
    cc: { type: 'string' },
    sanitize: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const required = process.argv.length > 2
const target = values.target ?? `${process.platform}-${process.arch}`
const libc = values.libc ?? (process.platform === 'linux' ? libcOfThisMachine() : 'glibc')
// CC may have arguments of its own, for example `ccache gcc`.
const [cc = 'cc', ...ccArguments] = (values.cc ?? (process.env.CC || 'cc')).trim().split(/\s+/)
const out = resolve(values.out ?? join(root, 'prebuilds', target, `engine.${libc}.node`))

const warnings = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', ...(required ? ['-Werror'] : [])]
const hardened = ['-D_FORTIFY_SOURCE=2', '-fstack-protector-strong', '-Wl,-z,relro,-z,now', '-Wl,-z,noexecstack']
const optimized = ['-O2', '-g0', '-s', ...hardened]
const sanitized = [
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=undefined',
]
// The same compiler makes the same bytes, whatever folder the sources are in.
const reproducible = [`-ffile-prefix-map=${root}=`, '-Wl,--build-id=none']

if (process.env.ENGINE_PREBUILT === '1' && !required) console.log('native engine: prebuilt, not built here')
else build()

function build() {
  const obstacle = obstacleToBuild()
  if (obstacle !== undefined) {
    if (required) fail(obstacle)
    console.log(`native engine: not built, ${obstacle}. Everything runs on node:net.`)
    return
  }
  mkdirSync(dirname(out), { recursive: true })
  // A process may have the file mapped: it is replaced, not written over.
  const unfinished = `${out}.${process.pid}`
  const status = compile([
    ...['-std=c11', '-shared', '-fPIC', '-fvisibility=hidden', ...reproducible, ...warnings],
    ...(values.sanitize ? sanitized : optimized),
    ...['-isystem', headers.include_dir, '-o', unfinished, ...SOURCES],
  ])
  if (status !== 0) {
    rmSync(unfinished, { force: true })
    fail(`${cc} failed`)
  }
  renameSync(unfinished, out)
  console.log(`native engine: ${relative(process.cwd(), out)}`)
}

/** Why it can't be built here; undefined when it can. */
function obstacleToBuild() {
  if (!TARGETS.includes(target)) return `there is no engine for ${target}: expected ${TARGETS.join(' or ')}`
  if (!LIBCS.includes(libc)) return `invalid libc '${libc}': expected ${LIBCS.join(' or ')}`
  // A compiler without the headers of the C library does not help.
  const probe = '#include <stdint.h>\n#include <sys/epoll.h>\nint probe(void) { return EPOLLIN; }\n'
  const args = [...ccArguments, '-shared', '-fPIC', '-x', 'c', '-o', '/dev/null', '-']
  const { status, error } = spawnSync(cc, args, { input: probe, stdio: ['pipe', 'ignore', 'ignore'] })
  // Another error is one that ends without having read the probe.
  if (error?.code === 'ENOENT') return `there is no C compiler '${cc}' here`
  return status === 0 ? undefined : `the C compiler '${cc}' can't build for ${target}`
}

function compile(args) {
  return spawnSync(cc, [...ccArguments, ...args], { cwd: root, stdio: 'inherit' }).status
}

function fail(reason) {
  console.error(`native engine: ${reason}`)
  process.exit(1)
}

function libcOfThisMachine() {
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}
