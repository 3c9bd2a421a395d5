import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectPeer } from '@demo/testkit/peer'
import { submit } from '@demo/testkit/wire'
import { isAlive } from '../test/cluster-server.ts'
import { STOP_OUTPUT, startOnTerminal } from '../test/terminal.ts'
import { milliseconds, seconds } from './fixture/figures.ts'
import { timeUntil } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const CONNECTIONS = 500
const AT_ONCE = 10
const PATIENCE = 10_000

scenario(
  22,
  `Ctrl-S on its terminal, ${CONNECTIONS} connections, and SIGTERM`,
  async (figures) => {
    const { terminal, pid, port } = await startOnTerminal([])
    terminal.stdin?.write(STOP_OUTPUT)
    const durations: number[] = []
    const lane = async () => {
      for (let left = CONNECTIONS / AT_ONCE; left > 0; left--) durations.push(await answer(port))
    }
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, lane)), sleep(PATIENCE)])
    figures.exactly('answered', durations.length, CONNECTIONS)
    figures.note('the slowest of them', milliseconds(Math.max(...durations)))
    process.kill(pid, 'SIGTERM')
    figures.atMost('ended after', await timeUntil(() => !isAlive(pid), PATIENCE), 4, seconds)
  },
  existsSync('/usr/bin/script') ? undefined : 'it needs script(1)',
)

/** How long the answer to the only request of a connection takes, in milliseconds. */
async function answer(port: number): Promise<number> {
  const startedAt = performance.now()
  const peer = await connectPeer({ address: '127.0.0.1', port })
  peer.send(submit(1))
  await peer.receive(14)
  const duration = performance.now() - startedAt
  peer.end()
  await peer.untilClosed()
  return duration
}
