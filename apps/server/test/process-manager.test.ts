import { fileURLToPath } from 'node:url'
import { Program } from '@demo/testkit/program'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { listening } from './demo-server.ts'
import { Folder } from './folder.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Does what a process manager in cluster mode does. */
const MANAGER = `import cluster from 'node:cluster'
cluster.setupPrimary({ exec: process.argv[2], args: process.argv.slice(3) })
const worker = cluster.fork()
process.on('SIGTERM', () => worker.process.kill('SIGTERM'))
worker.once('exit', (status) => process.exit(status))`

describe('a worker of another program with node:cluster', () => {
  it('refuses to have workers of its own, in one line', async () => {
    const line = await complaint(managed(['--workers', '2']), 2)
    expect(line).toContain('--workers 2: a process manager started this process as a worker of node:cluster')
    expect(line).toContain('fork mode')
  })

  it('serves as one process, and logs that it shares its ports', async () => {
    const server = await listening(managed([]))
    expect(server.log[0]).toMatchObject({ level: 40, msg: expect.stringContaining('node:cluster') })
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })
})

function managed(flags: readonly string[]): Program {
  const manager = new Folder().write('manager.mjs', MANAGER)
  return new Program(process.execPath, [manager, MAIN, '--port', '0', '--metrics-port', '0', ...flags])
}
