import { constants, copyFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PROGRAM_PATIENCE, Program } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { killWorker, oneOfEach, pidsOf } from './cluster-server.ts'
import { type DemoServer, listening } from './demo-server.ts'
import { Folder } from './folder.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const FLAGS = ['--port', '0', '--metrics-port', '0', '--workers', '2', '--log-level', 'debug']

/** More failures than workers may have in a row before they listen. */
const MANY = 7

/**
 * Two ways in which the system refuses to start a process. Node throws one of them, as it does with ENOMEM, and emits the
 * other as an event, as it does with EAGAIN.
 */
const REFUSALS = [
  { code: 'ELOOP', refuse: (path: string) => symlinkSync(path, path) },
  { code: 'ENOENT', refuse: () => {} },
]

describe.runIf(process.platform === 'linux')('a worker that the system does not start', () => {
  it.each(REFUSALS)('is logged with $code, and tried again until it starts', async ({ code, refuse }) => {
    const node = new NodeCopy()
    const server = await node.start()
    const [, second] = await oneOfEach(server)
    node.replace(refuse)
    killWorker(server, 1)
    for (const line of await server.untilLogged('worker not started', MANY)) {
      expect(line).toMatchObject({ level: 50, notStarted: 1, code, error: expect.stringContaining(code) })
    }
    expect(await server.probe('/readyz')).toEqual({ status: 503, text: 'not ready: 1 of 2 workers listen\n' })
    second.send(submit(1))
    expect(await second.receive(14)).toBe(submitAck(1))

    node.restore()
    await waitFor(
      () => pidsOf(server, 1).length === 2,
      () => 'for another worker 1',
      PROGRAM_PATIENCE,
    )
    await server.untilScraped('both to listen', (metrics) => metrics.value('workers') === 2)
    expect((await server.scrape()).value('worker_restarts_total')).toBe(1)
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('is given up when no other worker is left: drains, and ends with status 1', async () => {
    const node = new NodeCopy()
    const server = await node.start()
    node.replace(() => {})
    killWorker(server, 1)
    killWorker(server, 2)
    expect(await server.program.exit()).toEqual({ status: 1, signal: null })
    expect(server.logged('workers keep dying')).toMatchObject([
      { level: 60, why: '5 workers in a row could not be started' },
    ])
  })
})

/** A copy of this Node that a test can remove while a server runs. */
class NodeCopy {
  readonly #folder = new Folder()
  readonly #path = this.#folder.at('node')

  constructor() {
    copyFileSync(process.execPath, this.#path, constants.COPYFILE_FICLONE)
  }

  start(): Promise<DemoServer> {
    return listening(new Program(this.#path, [MAIN, ...FLAGS]))
  }

  replace(make: (path: string) => void): void {
    renameSync(this.#path, this.#folder.at('away'))
    make(this.#path)
  }

  restore(): void {
    rmSync(this.#path, { force: true })
    renameSync(this.#folder.at('away'), this.#path)
  }
}
