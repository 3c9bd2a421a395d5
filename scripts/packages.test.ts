import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bin, PACKAGES as names, root } from './testing/workspace.ts'

/** The files of a build besides the index. */
const FURTHER_FILES: Readonly<Record<string, readonly string[]>> = {
  server: ['thread-entry.js', 'thread-entry.js.map', 'threads.d.ts', 'threads.js', 'threads.js.map'],
}

/** A user's project, outside of the repository, in which all tarballs are installed. */
let folder = ''

/** A small program with each package, for the strictest settings of the compiler. */
const PROGRAM = `
import { encodeFrame, FrameDecoder, type FrameError } from '@demo/frame'
import { CommandId, createPacketCodec, type Packet } from '@demo/packet'
import { compose, createServer, type RequestContext } from '@demo/server'
import { inThreads } from '@demo/server/threads'
import { connect, type Client } from '@demo/client-sim'
import { createServerMetrics, serveMetrics } from '@demo/metrics'
import { EngineUnavailableError, loadEngine, type Engine } from '@demo/engine'

const decoder = new FrameDecoder({ maxFrameLength: 64 })
decoder.push(encodeFrame(new Uint8Array(3)))
if (!decoder.next() || decoder.end - decoder.start !== 3) throw new Error('frame')
const onFailure = (error: FrameError): string => error.code

const packet: Packet = { command: CommandId.Submit, id: '00000001', payload: new Uint8Array(2) }
const view = createPacketCodec().decode(createPacketCodec().encode(packet))
if (view.command !== CommandId.Submit || view.payloadLength !== 2) throw new Error('packet')

const metrics = createServerMetrics({ registry: undefined, prefix: undefined, version: undefined, processMetrics: undefined })
const server = createServer<{ seen: number }>(
  {
    onSubmit(submit, { session, signal }: RequestContext<{ seen: number }>) {
      return submit.payloadLength > 0 && session.id > 0 && !signal.aborted ? 0 : 1
    },
  },
  { observer: metrics, tls: undefined, maxFrameLength: undefined, requireConn: undefined, proxyProtocolFrom: undefined },
)
const address = await server.listen({ host: undefined, port: 0 })
if (!('port' in address)) throw new Error('address')
const client: Client = await connect({
  host: undefined, port: address.port, window: undefined, timeout: undefined, dialect: undefined, tls: undefined, credentials: undefined,
})
const result: number = await client.submit(new Uint8Array(1), { signal: undefined, timeout: undefined, onSent: undefined })
await client.close()

const endpoint = await serveMetrics({ registry: metrics.registry, host: undefined, port: 0, ready: undefined })
const text = await (await fetch('http://127.0.0.1:' + endpoint.address.port + '/metrics')).text()
await endpoint.close()
await server.close({ timeout: undefined })

const handler = await inThreads('data:text/javascript,export default () => 0', { threads: 1 })
const threaded = createServer({ onSubmit: compose((submit, context, next) => next(), handler) })
const there = await threaded.listen({ port: 0 })
const other: Client = await connect({ port: 'port' in there ? there.port : 0 })
if ((await other.submit(new Uint8Array(1))) !== 0) throw new Error('threads')
await other.close()
await threaded.close()
await handler.close()

const load = (): Engine | EngineUnavailableError => {
  try {
    return loadEngine()
  } catch (error) {
    if (error instanceof EngineUnavailableError) return error
    throw error
  }
}
const engine = load()
if (!(engine instanceof EngineUnavailableError) && engine !== loadEngine()) throw new Error('engine')
if (result !== 0 || !text.includes('tcp_server_req_recv_total 1')) throw new Error('server')
console.log('all work', typeof onFailure)
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packages-'))
  const tarballs = names.map((name) => {
    const packed = execFileSync(bin('pnpm'), ['pack', '--pack-destination', folder], {
      cwd: join(root, 'packages', name),
      encoding: 'utf8',
    })
    return packed.trim().split('\n').at(-1) ?? ''
  })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a-user', private: true, type: 'module' }))
  // The engine is for Linux: elsewhere npm refuses to install it by name.
  const options = ['--no-audit', '--no-fund', '--silent', ...(process.platform === 'linux' ? [] : ['--force'])]
  execFileSync('npm', ['install', ...options, ...tarballs], { cwd: folder })
  writeFileSync(join(folder, 'program.ts'), PROGRAM)
  // The compiler and Node's types of this repository, so that none are downloaded.
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
}, 180_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The folder of the engine's binaries, where this machine has built one. */
const prebuilds = existsSync(join(root, 'packages/engine/prebuilds')) ? ['prebuilds'] : []

test.each(names)('@demo/%s has the expected files, and no others', (name) => {
  const installed = join(folder, 'node_modules/@demo', name)
  expect(
    readdirSync(installed)
      .filter((entry) => entry !== 'CHANGELOG.md')
      .sort(),
  ).toEqual(['LICENSE', 'README.md', 'dist', 'package.json', ...(name === 'engine' ? prebuilds : [])].sort())
  // Code that two entries of a package share is in a file with a hash in its name.
  const built = readdirSync(join(installed, 'dist')).filter((file) => !/^\w+-[\w-]{8}\.d\.ts$/.test(file))
  const entries = ['index.d.ts', 'index.js', 'index.js.map', ...(FURTHER_FILES[name] ?? [])]
  expect(built.sort()).toEqual(entries.sort())
})

test.each(['frame', 'packet'])('@demo/%s has no dependencies, and does not use Node', (name) => {
  const installed = join(folder, 'node_modules/@demo', name)
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>
  expect([manifest['dependencies'], manifest['peerDependencies']]).toEqual([undefined, undefined])
  for (const file of ['index.js', 'index.d.ts']) {
    const code = readFileSync(join(installed, 'dist', file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    expect(code).not.toMatch(/\bimport\b|\brequire\b|\bBuffer\b|\bprocess\b|node:/)
  }
})

test.each(names)('@demo/%s does not name the testkit in any file', (name) => {
  const installed = join(folder, 'node_modules/@demo', name)
  const files = ['package.json', ...readdirSync(join(installed, 'dist')).map((file) => join('dist', file))]
  for (const file of files) expect(readFileSync(join(installed, file), 'utf8'), file).not.toContain('testkit')
})

test('@demo/engine has binaries and no sources in C, and runs nothing at its install', () => {
  const installed = join(folder, 'node_modules/@demo/engine')
  const files = readdirSync(installed, { encoding: 'utf8', recursive: true })
  expect(files.filter((file) => /\.[ch]$/.test(file))).toEqual([])
  const there = files.filter((file) => file.endsWith('.node'))
  const here = prebuilds.flatMap((name) =>
    readdirSync(join(root, 'packages/engine', name), { encoding: 'utf8', recursive: true }),
  )
  expect(there.sort()).toEqual(
    here
      .filter((file) => file.endsWith('.node'))
      .map((file) => join('prebuilds', file))
      .sort(),
  )
  const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { scripts: object }
  expect(Object.keys(scripts)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(pre|post)?install$/)]))
})

test.skipIf(prebuilds.length === 0)('a server and a client of the tarballs run on the native engine', () => {
  const program = 'native-engine.mjs'
  copyFileSync(join(root, 'scripts/testing', program), join(folder, program))
  const printed = execFileSync(process.execPath, [join(folder, program)], { encoding: 'utf8', timeout: 20_000 })
  expect(printed).toBe('1000 requests on the native engine\n')
})

test('@demo/metrics imports only types of @demo/server', () => {
  const code = readFileSync(join(folder, 'node_modules/@demo/metrics/dist/index.js'), 'utf8')
  expect(code).not.toMatch(/from ['"]@demo\/server['"]/)
})

describe.each(['NodeNext', 'Bundler'])('with moduleResolution %s', (moduleResolution) => {
  test('a strict program with all packages type-checks', () => {
    const module = moduleResolution === 'NodeNext' ? 'NodeNext' : 'ESNext'
    const compilerOptions = { strict: true, target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'] }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...compilerOptions,
          module,
          moduleResolution,
          outDir: 'out',
          exactOptionalPropertyTypes: true,
        },
        files: ['program.ts'],
      }),
    )
    execFileSync(bin('tsc'), ['-p', folder], { encoding: 'utf8' })
  })
})

test('the program runs', () => {
  expect(execFileSync(process.execPath, [join(folder, 'out/program.js')], { encoding: 'utf8' })).toContain('all work')
})

test.each(names)('require() takes @demo/%s as well', (name) => {
  writeFileSync(join(folder, 'require.cjs'), `console.log(Object.keys(require('@demo/${name}')).length > 0)`)
  const printed = execFileSync(process.execPath, [join(folder, 'require.cjs')], { encoding: 'utf8', stdio: 'pipe' })
  expect(printed.trim()).toBe('true')
})
