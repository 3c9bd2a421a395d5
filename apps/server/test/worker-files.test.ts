import { fileURLToPath } from 'node:url'
import { Program } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { type DemoServer, listening } from './demo-server.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const FLAGS = ['--port', '0', '--metrics-port', '0', '--workers', '2', '--log-level', 'debug']
const CROWD = 150

describe.runIf(process.platform !== 'win32')('workers with few files', () => {
  it('close what is too much, count it, and serve again', async () => {
    const server = await startWithFewFiles()
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => server.connect()))
    const { closed } = await server.untilScraped('each to be served or closed', (now) => {
      return now.value('client_connected') + (now.closed['too-many-connections'] ?? 0) === CROWD
    })
    const shed = closed['too-many-connections'] ?? 0
    expect(shed).toBeGreaterThan(0)
    await waitFor(
      () => crowd.filter((peer) => peer.closed).length === shed,
      () => `for ${shed} to be closed`,
    )
    for (const peer of crowd) peer.socket.destroy()
    await server.untilScraped('all to be gone', (now) => now.value('client_connected') === 0)
    const late = await server.connect()
    late.send(submit(1))
    expect(await late.receive(14)).toBe(submitAck(1))
  })
})

/** Two workers, with a limit of 100 descriptors for each process. */
function startWithFewFiles(): Promise<DemoServer> {
  return listening(new Program('sh', ['-c', 'ulimit -n 100 && exec "$0" "$@"', process.execPath, MAIN, ...FLAGS]))
}
