import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Program } from '@demo/testkit/program'
import { submit, submitAck } from '@demo/testkit/wire'
import { type DemoServer, ENGINE_ENVIRONMENT, listening } from '../test/demo-server.ts'
import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { percent, seconds } from './fixture/figures.ts'
import { fixtureOf, teardown, timeUntil } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const CONNECTS = 1000
const ROUNDS = 2
const OLD = 20

scenario(13, '`ulimit -n 256`, and 1,000 connects at once, twice', async (figures) => {
  const fixture = await fixtureOf(startWithFewFiles())
  const { server, meter } = fixture
  const clients = startAttacker<typeof IdleClients>('idle-clients')
  const old = await Promise.all(Array.from({ length: OLD }, () => server.connect()))

  for (let round = 1; round <= ROUNDS; round++) {
    // Three seconds, with the burst: a server in a busy loop would use all of them.
    let served = 0
    const cpu = await meter.cpuShare(
      Promise.all([
        clients.do('connectAll', { port: server.port, connections: CONNECTS, atOnce: CONNECTS }),
        (async () => {
          await sleep(1000)
          for (const peer of old) peer.send(submit(round))
          for (const peer of old) if ((await peer.receive(14 * round)).endsWith(submitAck(round))) served += 1
        })(),
        sleep(3000),
      ]),
    )
    const { connected, ended, refused } = await clients.do('state')
    figures.note(`round ${round}: accepted, shed`, `${connected - ended}, ${ended + refused}`)
    figures.atMost(`round ${round}: processor`, cpu, 0.3, percent)
    figures.exactly(`round ${round}: old connections served`, served, OLD)
    await clients.do('disconnectAll')
    const back = await timeUntil(() => isServed(server))
    figures.atMost(`round ${round}: accepting again after`, back, 1, seconds)
  }
  await teardown(fixture, figures)
})

/** `demo-server` with room for 256 descriptors. */
function startWithFewFiles(): Promise<DemoServer> {
  const script = 'ulimit -n 256 && exec "$0" "$@"'
  const args = ['-c', script, process.execPath, MAIN, '--port', '0', '--metrics-port', '0']
  return listening(new Program('sh', args, { environment: ENGINE_ENVIRONMENT }))
}

/** Whether a new connection is accepted, and its request answered. */
async function isServed(server: DemoServer): Promise<boolean> {
  try {
    const peer = await server.connect()
    peer.send(submit(1))
    const answer = await peer.receive(14, 500)
    peer.end()
    return answer === submitAck(1)
  } catch {
    return false
  }
}
