#!/usr/bin/env node
// Prepares a clone: installs the dependencies of the lock file, unless they are installed, then runs the given turbo tasks:
// `node scripts/setup.mjs build`. It needs only Node and npm.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const tasks = process.argv.slice(2)

checkNode()
install()
if (tasks.length > 0) {
  console.error(`${tasks.join(', ')} …`)
  run(join(root, 'node_modules/.bin/turbo'), ['run', ...tasks, '--output-logs=errors-only'])
  if (tasks.includes('build')) reportEngine()
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [neededMajor, neededMinor] = manifest.engines.node.match(/\d+/g).map(Number)
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return
  console.error(`Node ${process.versions.node} is too old: Node ${neededMajor}.${neededMinor} or later is needed`)
  process.exit(1)
}

function install() {
  const stamp = join(root, 'node_modules/.installed-from')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  console.error('installing the dependencies of the lock file …')
  run('npx', ['--yes', manifest.packageManager, 'install', '--frozen-lockfile', '--reporter=append-only'])
  writeFileSync(stamp, lock)
}

/** What the build of the engine says itself is not shown when it succeeds. */
function reportEngine() {
  if (existsSync(join(root, 'packages/engine/prebuilds', `${process.platform}-${process.arch}`))) return
  console.error(
    'the native engine is not built: it needs Linux on x64 or arm64, and a C compiler. Everything runs on node:net',
  )
}

/** Runs a program. If it fails, shows its output and exits with its status. */
function run(program, args) {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  console.error(`${stdout}${stderr}`)
  console.error(`${program} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`)
  process.exit(status ?? 1)
}
