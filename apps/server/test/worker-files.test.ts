import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitFor } from '../../../packages/server/src/testing/wait-for.ts'
import { submit, submitAck } from '../../../packages/server/src/testing/wire.ts'
import { isAlive, pidsOf } from './cluster-server.ts'
import { type DemoServer, listening } from './demo-server.ts'
import { Program } from './program.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const FLAGS = ['--port', '0', '--metrics-port', '0', '--workers', '2', '--log-level', 'debug']
const FULL = 'no file left to accept connections with: some are closed unseen'
const CROWD = 150

describe.runIf(process.platform !== 'win32')('workers whose first process has no file left', () => {
  it('shed what comes then, say so, and serve again', async () => {
    const server = await startWithFewFiles()
    const crowd = await pileUp(server)
    const closed = () => crowd.filter((peer) => peer.closed).length
    const [line] = await server.untilLogged(FULL)
    expect(line).toMatchObject({ level: 40, pid: server.program.pid })
    await waitFor(
      () => closed() > 0,
      () => 'for connections to be shed',
    )
    for (const pid of workersOf(server)) process.kill(pid, 'SIGCONT')
    for (const peer of crowd) peer.socket.destroy()
    await server.untilScraped('all to be gone', (now) => now.value('client_connected') === 0)
    const late = await server.connect()
    late.send(submit(1))
    expect(await late.receive(14)).toBe(submitAck(1))
  })
})

/** Two workers, each process of them with room for 100 descriptors. */
function startWithFewFiles(): Promise<DemoServer> {
  return listening(new Program('sh', ['-c', 'ulimit -n 100 && exec "$0" "$@"', process.execPath, MAIN, ...FLAGS]))
}

/** Connections that no worker takes, for all are stopped: so they pile up in the first process. */
function pileUp(server: DemoServer) {
  const workers = workersOf(server)
  onTestFinished(() => {
    for (const pid of workers.filter(isAlive)) process.kill(pid, 'SIGCONT')
  })
  for (const pid of workers) process.kill(pid, 'SIGSTOP')
  return Promise.all(Array.from({ length: CROWD }, () => server.connect()))
}

function workersOf(server: DemoServer): number[] {
  return [...pidsOf(server, 1), ...pidsOf(server, 2)]
}
