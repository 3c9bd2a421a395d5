import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAuthority } from '@demo/testkit/certificates'
import { Program } from '@demo/testkit/program'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, test } from 'vitest'
import { createServer, type EngineChoice, engineFor, ServerOptionError } from '../index.ts'

const BUILT = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

/** A module hook for a process in which `@demo/engine` is not installed. */
const HIDE_ENGINE = `
export async function resolve(specifier, context, next) {
  return next(specifier === '@demo/engine' ? '@demo/not-installed' : specifier, context)
}`
const NOT_INSTALLED = `
import { register } from 'node:module'
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(HIDE_ENGINE)}`)})
`

/** Serves one request with this engine, and prints what happened. */
const SERVE = `
import { connect } from 'node:net'
const { createServer } = await import(process.argv[2])
const server = createServer({ onSubmit: () => 0 }, { engine: process.argv[1] })
try {
  const { port } = await server.listen({ port: 0 })
  const peer = connect(port)
  let answer = ''
  peer.on('data', (bytes) => { answer += bytes.toString('hex') })
  peer.end(Buffer.from('0000000d023030303030303031', 'hex'))
  await new Promise((resolve) => peer.once('close', resolve))
  console.log(JSON.stringify({ engine: server.engine, answer }))
} catch ({ name, code, message }) {
  console.log(JSON.stringify({ engine: server.engine, name, code, message }))
}
await server.close()
`

const ACK = '0000000e82303030303030303100'

/** How the native engine is missing. */
const MISSING = [
  {
    how: 'its package is not installed',
    node: ['--import', `data:text/javascript,${encodeURIComponent(NOT_INSTALLED)}`],
    environment: () => ({}),
    says: 'not-installed',
  },
  {
    how: 'it has no binary for this machine',
    node: [],
    environment: () => ({ '@DEMO/ENGINE_PREBUILD': join(temporaryFolder(), 'none') }),
    says: 'No native build was found',
  },
]

describe.each(MISSING)('where $how', ({ node, environment, says }) => {
  const serve = async (engine: EngineChoice): Promise<unknown> => {
    const args = [...node, '--input-type=module', '--eval', SERVE, engine, BUILT]
    const program = new Program(process.execPath, args, { environment: environment() })
    expect(await program.exit(), program.stderr).toEqual({ status: 0, signal: null })
    return JSON.parse(program.stdout)
  }

  test('native is an error with a code, in one line, and listens nowhere', async () => {
    expect(await serve('native')).toEqual({
      name: 'EngineError',
      code: 'ERR_ENGINE_UNAVAILABLE',
      message: expect.stringMatching(new RegExp(`^the native engine can't be loaded: .*${says}.*$`)),
    })
  })

  test.each(['auto', 'node'] as const)('%s serves on node:net', async (engine) => {
    expect(await serve(engine)).toEqual({ engine: 'node', answer: ACK })
  })
})

describe.runIf(process.env['NATIVE_ENGINE'] !== 'no')('where it can be used', () => {
  test.each([
    ['auto', 'native'],
    ['native', 'native'],
    ['node', 'node'],
  ] as const)('%s is %s, from the time it listens on', async (wanted, used) => {
    expect(await engineFor(wanted)).toBe(used)
    const observed: string[] = []
    const observer = { engine: (name: string) => observed.push(name) }
    await using server = createServer({ onSubmit: () => 0 }, { engine: wanted, observer })
    expect(server.engine).toBeUndefined()
    await server.listen({ port: 0 })
    expect(server.engine).toBe(used)
    expect(observed).toEqual([used])
  })

  test('a server that could not listen has none', async () => {
    await using first = createServer({ onSubmit: () => 0 })
    const { port } = (await first.listen({ port: 0 })) as { port: number }
    const observed: string[] = []
    const observer = { engine: (name: string) => observed.push(name) }
    await using second = createServer({ onSubmit: () => 0 }, { observer })
    await expect(second.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(second.engine).toBeUndefined()
    expect(observed).toEqual([])
  })
})

describe('with TLS', () => {
  test('native is an invalid option', async () => {
    const tls = await (await createAuthority('authority')).sign('server')
    const create = () => createServer({ onSubmit: () => 0 }, { engine: 'native', tls })
    expect(create).toThrow(ServerOptionError)
    expect(create).toThrow('invalid engine: the native engine has no TLS; expected auto or node with tls')
  })

  test('auto is node', async () => {
    const tls = await (await createAuthority('authority')).sign('server')
    await using server = createServer({ onSubmit: () => 0 }, { tls })
    await server.listen({ port: 0 })
    expect(server.engine).toBe('node')
  })
})

test('an observer that throws does not keep the server from listening', async () => {
  const observer = {
    engine() {
      throw new Error('broken')
    },
  }
  await using server = createServer({ onSubmit: () => 0 }, { observer })
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve))
  expect(await server.listen({ port: 0 })).toMatchObject({ address: '127.0.0.1' })
  expect((await warning).message).toContain('the observer failed')
})
