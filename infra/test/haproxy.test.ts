import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type DemoServer, startDemoServer } from '../../apps/server/test/demo-server.ts'
import { configFile, startHaProxy } from './haproxy.ts'
import { isInstalled, skipReason } from './programs.ts'
import { ResendingClient, type SeenConnection } from './resending-client.ts'

const PROXIED = ['--proxy-protocol-from', '127.0.0.1']

/** Longer than HAProxy takes to notice, by its configuration: 1.2 s and the time of two answers. */
const DRAIN_DELAY = 3000

const CLIENTS = 8
const WINDOW = 50

describe.skipIf(!isInstalled('haproxy'))(`a real HAProxy${skipReason(['haproxy'])}`, () => {
  test('accepts the configuration, without a warning', () => {
    const { status, stdout, stderr } = spawnSync('haproxy', ['-c', '-f', configFile], { encoding: 'utf8' })
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: expect.not.stringContaining('WARNING') })
  })

  test.each(['v1', 'v2'] as const)(
    "sends the client's address to the server, in %s of the PROXY protocol",
    async (version) => {
      const servers = [await startDemoServer(PROXIED), await startDemoServer(PROXIED)] as const
      const { port } = await startHaProxy(servers, version)
      const addresses = ['127.0.0.2', '127.0.0.3', '127.1.2.3', '127.255.255.254']
      const clients: string[] = []
      for (const localAddress of addresses) clients.push(await askOnce(port, localAddress))
      const closed = () => servers.flatMap((server) => server.logged('connection closed'))
      await waitFor(
        () => closed().length >= clients.length,
        () => 'for the ends of the connections',
      )
      // No others: the health checks do not connect to the protocol's port.
      const seen = closed().map(({ remoteAddress, remotePort, reason }) => `${remoteAddress}:${remotePort} ${reason}`)
      expect(seen.sort()).toEqual(clients.map((client) => `${client} peer-closed`).sort())
    },
  )

  test('a server is drained under load, and no request is lost', { timeout: 60_000 }, async () => {
    const flags = [...PROXIED, '--handler', slowHandler(), '--drain-delay', `${DRAIN_DELAY}ms`]
    const servers = [await startDemoServer(flags), await startDemoServer(flags)] as const
    const [drained, other] = servers
    const haproxy = await startHaProxy(servers, 'v2')
    const clients = Array.from(
      { length: CLIENTS },
      (_, i) => new ResendingClient({ localAddress: `127.0.1.${i + 1}`, port: haproxy.port, window: WINDOW }),
    )
    await waitFor(
      () => clients.every(({ answered }) => answered.size > 10 * WINDOW),
      () => 'for load',
    )
    const before = await drained.scrape()
    expect(before.value('client_connected'), 'least connections: half of them').toBe(CLIENTS / 2)

    const newcomers = new Newcomers(haproxy.port)
    drained.program.signal('SIGTERM')
    await drained.untilLogged('draining')
    // It still accepts and serves, but HAProxy sends it no new clients.
    await waitForState(haproxy, 'DOWN')
    expect(drained.logged('connection closed').filter(({ reason }) => reason === 'draining')).toEqual([])
    const whenDown = newcomers.served

    expect(await drained.program.exit()).toEqual({ status: 0, signal: null })
    expect(drained.log.at(-1)).toMatchObject({ msg: 'stopped', connections: CLIENTS / 2, cutOff: 0, unanswered: 0 })
    const whenGone = newcomers.served
    await waitFor(
      () => newcomers.served >= whenGone + 20,
      () => 'for newcomers to be served by the other server',
    )
    await newcomers.stop()
    await Promise.all(clients.map((client) => client.finish()))

    expect(newcomers.failures, 'newcomers turned away').toEqual([])
    expect(whenDown, 'newcomers came while HAProxy did not know yet').toBeGreaterThan(0)
    expect(whenGone, 'and while the server drained').toBeGreaterThan(whenDown)

    for (const client of clients) {
      expect(client.wrong).toBe(0)
      expect(client.answered.size, 'every request is answered').toBe(client.requests)
      expect(client.connections.map(({ ended }) => ended)).toEqual(client.connections.map(() => 'FIN'))
    }
    const moved = clients.filter(({ connections }) => connections.length === 2)
    expect(moved, 'clients of the drained server went to the other').toHaveLength(CLIENTS / 2)

    // On each connection, the client has an answer to each request that the server received.
    const connections = clients.flatMap((client) => client.connections)
    await other.untilLogged('connection closed', CLIENTS)
    await waitFor(
      () => connections.every((connection) => requestsOf(servers, connection) !== undefined),
      () => 'for the ends of the connections in the logs',
    )
    for (const connection of connections) expect(requestsOf(servers, connection)).toBe(connection.acks)
    const after = await other.scrape()
    expect(after.value('rsp_send_total')).toBe(after.value('req_recv_total'))
  })
})

/** Connects, sends one request, and disconnects. Returns its address and port. */
function askOnce(port: number, localAddress: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    let received = ''
    let from = ''
    socket.on('connect', () => {
      from = `${localAddress}:${socket.localPort}`
      socket.write(submit(1), 'hex')
    })
    socket.setEncoding('hex').on('data', (text: string) => {
      received += text
      if (received.length >= submitAck(1).length) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => (received === submitAck(1) ? resolve(from) : reject(new Error(`answered "${received}"`))))
  })
}

/** Clients with one request each, one after the other. */
class Newcomers {
  served = 0
  readonly failures: string[] = []
  #stopping = false
  readonly #done: Promise<void>

  constructor(port: number) {
    onTestFinished(() => this.stop())
    this.#done = this.#come(port)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#done
  }

  async #come(port: number): Promise<void> {
    while (!this.#stopping) {
      try {
        await askOnce(port, '127.0.2.1')
        this.served += 1
      } catch (error) {
        this.failures.push((error as Error).message)
      }
    }
  }
}

/** A module with a slow handler, so that there are always requests in flight. */
function slowHandler(): string {
  const directory = temporaryFolder()
  const file = join(directory, 'slow.mjs')
  writeFileSync(file, 'export default { onSubmit: () => new Promise((resolve) => setTimeout(resolve, 20)) }\n')
  return file
}

async function waitForState(haproxy: { state(server: 'a'): Promise<string> }, wanted: string): Promise<void> {
  const deadline = performance.now() + DRAIN_DELAY
  for (;;) {
    const state = await haproxy.state('a')
    if (state === wanted) return
    if (performance.now() > deadline) throw new Error(`HAProxy reports the server as ${state}, not ${wanted}`)
  }
}

/** The number of requests of an ended connection, by the servers' logs. */
function requestsOf(servers: readonly DemoServer[], { address, port }: SeenConnection): unknown {
  return servers
    .flatMap((server) => server.logged('connection closed'))
    .find(({ remoteAddress, remotePort }) => remoteAddress === address && remotePort === port)?.['requests']
}
