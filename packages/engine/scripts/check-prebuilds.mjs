// Checks the binaries of a release: all four are in `prebuilds`, each for its processor and its C library, and none needs
// a newer system than Node 20 does. Needs readelf (binutils).
//   node scripts/check-prebuilds.mjs [--folder FOLDER] [linux-x64/engine.glibc.node …]
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Node 20 itself needs this version. */
const NEWEST_GLIBC = [2, 28]

const MACHINES = { 'linux-x64': 'X86-64', 'linux-arm64': 'AArch64' }
const LIBRARIES = {
  glibc: /^(libc\.so\.6|ld-linux-[\w-]+\.so\.\d)$/,
  // Debian's musl and Alpine's have two names for one library. Its loader takes both.
  musl: /^(libc\.so|libc\.musl-[\w-]+\.so\.1)$/,
}
/** Where a musl of this machine is, if there is one: then each symbol is looked up in it. */
const MUSL = { 'linux-x64': '/lib/ld-musl-x86_64.so.1', 'linux-arm64': '/lib/ld-musl-aarch64.so.1' }
const ALL = Object.keys(MACHINES).flatMap((target) =>
  Object.keys(LIBRARIES).map((libc) => `${target}/engine.${libc}.node`),
)

const { values, positionals } = parseArgs({
  options: { folder: { type: 'string', default: fileURLToPath(new URL('../prebuilds', import.meta.url)) } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !ALL.includes(name))
if (unknown.length > 0) fail([`unknown binary '${unknown[0]}': expected ${ALL.join(', ')}`])
const names = positionals.length > 0 ? positionals : ALL
const problems = names.flatMap((name) => problemsOf(name).map((problem) => `${name}: ${problem}`))
if (problems.length > 0) fail(problems)

function problemsOf(name) {
  const file = join(values.folder, name)
  if (!existsSync(file)) return ['is missing']
  const [target] = name.split('/')
  const libc = name.split('.').at(-2)
  const header = readelf('-h', file)
  if (header === undefined) return ['is not a binary']
  const machine = /Machine:\s+(.*)/.exec(header)?.[1] ?? ''
  if (!machine.includes(MACHINES[target])) return [`is for ${machine}: expected ${MACHINES[target]}`]

  const libraries = [...readelf('-d', file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library)
  const symbols = symbolsOf(file)
  const needed = symbols.filter(({ defined, weak }) => !defined && !weak)
  const foreign = needed.filter(({ name }) => !/^(napi|node_api|uv)_/.test(name))
  const found = libraries
    .filter((library) => !LIBRARIES[libc].test(library))
    .map((library) => `needs the library ${library}`)
  if (libraries.length === 0) found.push('needs no C library')
  for (const { name, version } of foreign) {
    if (libc === 'musl' && version !== undefined) found.push(`needs ${name} of glibc`)
    if (libc === 'glibc' && version === undefined) found.push(`needs ${name}, which is not in glibc`)
    if (libc === 'glibc' && isNewer(version))
      found.push(`needs ${name} of ${version}: expected at most ${NEWEST_GLIBC.join('.')}`)
  }
  if (libc === 'musl' && existsSync(MUSL[target])) {
    const there = new Set(
      symbolsOf(MUSL[target])
        .filter(({ defined }) => defined)
        .map(({ name }) => name),
    )
    for (const { name } of foreign) if (!there.has(name)) found.push(`needs ${name}, which is not in musl`)
  }
  // Sections and the linker's own two functions are there as well, by some linkers.
  const exported = symbols
    .filter(({ name, type, defined }) => defined && type !== 'SECTION' && !['_init', '_fini'].includes(name))
    .map(({ name }) => name)
  if (!exported.includes('napi_register_module_v1')) found.push('does not export napi_register_module_v1')
  for (const name of exported) if (!/^(napi|node_api)_/.test(name)) found.push(`exports ${name}`)

  const versions = foreign.map(({ version }) => version?.replace('GLIBC_', '') ?? '').sort(byVersion)
  const newest = libc === 'glibc' ? `, glibc ${versions.at(-1)} or later` : ''
  if (found.length === 0) console.log(`${name}: ${MACHINES[target]}, ${libraries.join(' ')}${newest}`)
  return found
}

function symbolsOf(file) {
  const lines = readelf('--dyn-syms', file).matchAll(/^\s*\d+: \w+\s+\w+\s+(\w+)\s+(\w+)\s+\w+\s+(\w+) (\S+)/gm)
  return [...lines].map(([, type, binding, section, symbol]) => {
    const [name, version] = symbol.split(/@+/)
    return { name, version, type, defined: section !== 'UND', weak: binding === 'WEAK' }
  })
}

function isNewer(version = '') {
  const text = version.replace('GLIBC_', '')
  return byVersion(text, NEWEST_GLIBC.join('.')) > 0
}

function byVersion(a, b) {
  const [one, other] = [a, b].map((text) => text.split('.').map(Number))
  return one[0] - other[0] || (one[1] ?? 0) - (other[1] ?? 0) || (one[2] ?? 0) - (other[2] ?? 0)
}

/** Undefined when the file can't be read as ELF. */
function readelf(option, file) {
  const { status, stdout, error } = spawnSync('readelf', ['-W', option, file], { encoding: 'utf8' })
  if (error !== undefined) fail([`readelf does not run: ${error.message}`])
  return status === 0 && stdout !== '' ? stdout : undefined
}

function fail(lines) {
  for (const line of lines) console.error(line)
  process.exit(1)
}
