import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { submit } from '@demo/testkit/wire'
import { oneOfEach, pidsOf } from '../test/cluster-server.ts'
import type { DemoServer } from '../test/demo-server.ts'
import { seconds } from './fixture/figures.ts'
import { stopServer, timeUntil } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { startHandlerServer } from './fixture/special-servers.ts'

const INTERVAL = 10

/** For each of the two workers, a line with the exception, and one when it leaves. */
const ERRORS = 4

scenario(20, 'both workers throw an uncaught exception, and drain', async (figures) => {
  const server = await startHandlerServer('breaking', ['--workers', '2', '--log-level', 'debug'])
  const old = [1, 2].flatMap((worker) => pidsOf(server, worker))
  const peers = await oneOfEach(server)
  for (const peer of peers) peer.send(submit(1))
  await server.untilScraped('them to be received', (metrics) => metrics.value('req_recv_total') === 2)
  const connects = new ConnectLoop(server)
  for (const peer of peers) peer.send(submit(99))
  await server.untilLogged('worker accepts no more, and drains', 2)
  const { status } = await server.probe('/readyz')
  const back = await timeUntil(async () => (await server.probe('/readyz')).status === 200)
  const { tried, refused } = await connects.end()
  figures.exactly('status of /readyz while none listened', status, 503)
  // The drain would take ten seconds.
  figures.atMost('ready again after', back, 4, seconds)
  figures.exactly('old workers that have ended by then', server.logged('worker exited').length, 0)
  figures.exactly(`connects refused, of ${tried}`, refused, 0)
  for (const pid of old) process.kill(pid, 'SIGUSR2')
  for (const peer of peers) await peer.receiveAll()
  await server.untilLogged('worker exited', 2)
  await stopServer(server, figures, ERRORS)
})

/** Connects over and over. */
class ConnectLoop {
  #refused = 0
  #tried = 0
  #over = false
  readonly #running: Promise<void>

  constructor({ port }: DemoServer) {
    this.#running = this.#run(port)
  }

  async end(): Promise<{ tried: number; refused: number }> {
    this.#over = true
    await this.#running
    return { tried: this.#tried, refused: this.#refused }
  }

  async #run(port: number): Promise<void> {
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
