import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Program } from '@demo/testkit/program'
import { submit, submitAck } from '@demo/testkit/wire'
import { type DemoServer, listening } from '../test/demo-server.ts'
import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { percent, seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { stageOf, strikeStage, timeUntil } from './stage/stage.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const CONNECTS = 1000
const ROUNDS = 2
const OLD = 20

row(13, '`ulimit -n 256`, and 1,000 connects at once, twice', async (figures) => {
  const stage = await stageOf(startWithFewFiles())
  const { server, meter } = stage
  const crowd = startAttacker<typeof Crowd>('crowd')
  const old = await Promise.all(Array.from({ length: OLD }, () => server.connect()))

  for (let round = 1; round <= ROUNDS; round++) {
    // Three seconds, the burst itself included: a server that spins would take all of them.
    let served = 0
    const cpu = await meter.cpuShare(
      Promise.all([
        crowd.do('come', { port: server.port, connections: CONNECTS, atOnce: CONNECTS }),
        (async () => {
          await sleep(1000)
          for (const peer of old) peer.send(submit(round))
          for (const peer of old) if ((await peer.receive(14 * round)).endsWith(submitAck(round))) served += 1
        })(),
        sleep(3000),
      ]),
    )
    const { connected, ended, refused } = await crowd.do('state')
    figures.tell(`round ${round}: let in, shed`, `${connected - ended}, ${ended + refused}`)
    figures.atMost(`round ${round}: processor`, cpu, 0.3, percent)
    figures.exactly(`round ${round}: old connections served`, served, OLD)
    await crowd.do('leave')
    const back = await timeUntil(() => isServed(server))
    figures.atMost(`round ${round}: accepting again after`, back, 1, seconds)
  }
  await strikeStage(stage, figures)
})

/** `demo-server` with room for 256 descriptors. */
function startWithFewFiles(): Promise<DemoServer> {
  const script = 'ulimit -n 256 && exec "$0" "$@"'
  return listening(new Program('sh', ['-c', script, process.execPath, MAIN, '--port', '0', '--metrics-port', '0']))
}

/** Whether a new connection is taken, and answered. */
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
