import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { submit } from '@demo/testkit/wire'
import { oneOfEach, pidsOf } from '../test/cluster-server.ts'
import type { DemoServer } from '../test/demo-server.ts'
import { seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { startHandlerServer } from './stage/special-servers.ts'
import { strikeServer, timeUntil } from './stage/stage.ts'

const INTERVAL = 10

/** A line when each of the two leaves, one for what was thrown in it, and one for its end. */
const ERRORS = 6

row(20, 'both workers throw where nobody catches it, and drain', async (figures) => {
  const server = await startHandlerServer('breaking', ['--workers', '2', '--log-level', 'debug'])
  const old = [1, 2].flatMap((worker) => pidsOf(server, worker))
  const peers = await oneOfEach(server)
  for (const peer of peers) peer.send(submit(1))
  await server.untilScraped('them to be received', (metrics) => metrics.value('req_recv_total') === 2)
  const knocks = new Knocks(server)
  for (const peer of peers) peer.send(submit(99))
  await server.untilLogged('worker accepts no more, and drains', 2)
  const { status } = await server.probe('/readyz')
  const back = await timeUntil(async () => (await server.probe('/readyz')).status === 200)
  const { tried, refused } = await knocks.end()
  figures.exactly('status of /readyz while none listened', status, 503)
  // The drain would take ten seconds.
  figures.atMost('ready again after', back, 4, seconds)
  figures.exactly('old workers that have ended by then', server.logged('worker died').length, 0)
  figures.exactly(`connects refused meanwhile, of ${tried}`, refused, 0)
  for (const pid of old) process.kill(pid, 'SIGUSR2')
  for (const peer of peers) await peer.receiveAll()
  await server.untilLogged('worker died', 2)
  await strikeServer(server, figures, ERRORS)
})

/** Somebody who connects again and again. */
class Knocks {
  #refused = 0
  #tried = 0
  #over = false
  readonly #knocking: Promise<void>

  constructor({ port }: DemoServer) {
    this.#knocking = this.#knock(port)
  }

  async end(): Promise<{ tried: number; refused: number }> {
    this.#over = true
    await this.#knocking
    return { tried: this.#tried, refused: this.#refused }
  }

  async #knock(port: number): Promise<void> {
    while (!this.#over) {
      this.#tried += 1
      const refused = await new Promise<boolean>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port }, () => {
          socket.destroy()
          resolve(false)
        })
        socket.once('error', () => resolve(true))
      })
      if (refused) this.#refused += 1
      await sleep(INTERVAL)
    }
  }
}
