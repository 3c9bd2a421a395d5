import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority } from '@demo/testkit/certificates'
import type { Peer } from '@demo/testkit/peer'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { countByWorker, startWorkers } from './cluster-server.ts'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const HAS_ENGINE = process.env['NATIVE_ENGINE'] !== 'no'
const ENGINES = HAS_ENGINE ? (['native', 'node'] as const) : (['node'] as const)

const CONNECTIONS = 1000

/** The highest allowed ratio between the connections of two workers. */
const UNEVEN = 1.2

/** The environment of a server for which there is no native binary. */
const WITHOUT_BINARY = () => ({ '@DEMO/ENGINE_PREBUILD': join(temporaryFolder(), 'none') })

describe.each(ENGINES)('--engine %s', (engine) => {
  const flags = ['--engine', engine]
  const label = `build_info{version="${manifest.version}",node="${process.version}",engine="${engine}"}`

  it('serves, says so in the log and the metrics, and drains', async () => {
    const server = await startDemoServer(flags)
    expect(server.logged('listening')).toMatchObject([{ engine }])
    const peer = await server.connect()
    peer.send(submits(1, 100))
    expect(await peer.receive(1400)).toBe(submitAcks(1, 100))
    expect((await server.scrape()).value(label)).toBe(1)
    server.program.signal('SIGTERM')
    await peer.receiveAll()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.logged('connection closed')).toMatchObject([{ reason: 'draining', requests: 100 }])
  })

  it('says so with workers, in the metrics of all of them too', async () => {
    const server = await startWorkers(2, flags)
    expect(server.logged('listening')).toMatchObject([{ engine, workers: 2 }])
    expect(server.logged('worker listening')).toMatchObject([{ engine }, { engine }])
    expect((await server.scrape()).value(label)).toBe(1)
  })

  it(`has ${CONNECTIONS} connections even over two workers, and drains them`, async () => {
    const server = await startWorkers(2, flags)
    const peers: Peer[] = []
    for (let batch = 0; batch < CONNECTIONS / 50; batch++) {
      peers.push(...(await Promise.all(Array.from({ length: 50 }, () => server.connect()))))
    }
    const answers = peers.map((peer) => {
      peer.send(submit(1))
      return peer.receive(14)
    })
    expect(new Set(await Promise.all(answers))).toEqual(new Set([submitAck(1)]))
    const counts = Object.values(countByWorker(await server.untilLogged('connection opened', CONNECTIONS)))
    expect(counts).toHaveLength(2)
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThanOrEqual(UNEVEN)
    server.program.signal('SIGTERM')
    await Promise.all(peers.map((peer) => peer.receiveAll()))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it.each(['1', '2'])('removes the file of its Unix socket: --workers %s', async (workers) => {
    const path = new Folder().at('socket')
    const server = await startDemoServer([...flags, '--workers', workers, '--listen-path', path])
    const peer = await server.connect()
    peer.send(submits(1, 10))
    expect(await peer.receive(140)).toBe(submitAcks(1, 10))
    server.program.signal('SIGTERM')
    await peer.receiveAll()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(existsSync(path)).toBe(false)
  })
})

describe('--print-config', () => {
  it.runIf(HAS_ENGINE)('says which engine is used', async () => {
    expect(await lastPrinted([])).toBe('# engine: native')
    expect(await lastPrinted(['--engine', 'native'])).toBe('# engine: native')
  })

  it('says why it is not the native one', async () => {
    expect(await lastPrinted(['--engine', 'node'])).toBe('# engine: node, because --engine is node')
    const tls = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem']
    expect(await lastPrinted(tls)).toBe('# engine: node, because the native engine has no TLS')
    expect(await lastPrinted([], WITHOUT_BINARY())).toMatch(
      /^# engine: node, because the native engine can't be loaded: ./,
    )
  })
})

describe('a native engine that can not be used', () => {
  it.each([[], ['--check-config'], ['--print-config'], ['--workers', '2']])(
    'is one line, and exit status 2: %s %s',
    async (...args) => {
      const all = [
        '--port',
        '0',
        '--metrics-port',
        '0',
        '--engine',
        'native',
        ...args.filter((arg) => arg !== undefined),
      ]
      const line = await complaint(startDemoServerProgram(all, { environment: WITHOUT_BINARY() }), 2)
      expect(line).toContain("--engine native: the native engine can't be loaded: ")
      expect(line).toContain('expected auto or node')
    },
  )

  it.each([[], ['--check-config'], ['--workers', '2']])('is the same with TLS: %s %s', async (...args) => {
    const { cert, key } = await (await createAuthority('authority')).sign('server')
    const folder = new Folder()
    const tls = ['--tls-cert', folder.write('cert', cert), '--tls-key', folder.write('key', key)]
    const all = ['--port', '0', '--metrics-port', '0', ...tls, ...args.filter((arg) => arg !== undefined)]
    const environment = { DEMO_SERVER_ENGINE: 'native' }
    const line = await complaint(startDemoServerProgram(all, { environment }), 2)
    expect(line).toContain('DEMO_SERVER_ENGINE native: the native engine has no TLS')
  })

  it.each(['1', '2'])('is not missed by auto, which serves on node: --workers %s', async (workers) => {
    const server = await startDemoServer(['--workers', workers], { environment: WITHOUT_BINARY() })
    expect(server.logged('listening')).toMatchObject([{ engine: 'node' }])
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })
})

/** The last line that the program prints with `--print-config`. */
async function lastPrinted(flags: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string | undefined> {
  const program = startDemoServerProgram(['--print-config', ...flags], { environment })
  expect(await program.exit()).toEqual({ status: 0, signal: null })
  return program.stdoutLines.at(-1)
}
