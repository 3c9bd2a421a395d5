import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectPeer, type Peer, type PeerOptions } from '@demo/testkit/peer'
import { PROGRAM_PATIENCE, type Program, type ProgramOptions, startNode } from '@demo/testkit/program'
import { PATIENCE, within } from '@demo/testkit/wait-for'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

const POLL_INTERVAL = 20

const { HOSTILE_ENGINE } = process.env

/** Variables for servers whose flags name no engine: the hostile suite runs once for each. */
export const ENGINE_ENVIRONMENT: NodeJS.ProcessEnv =
  HOSTILE_ENGINE === undefined ? {} : { DEMO_SERVER_ENGINE: HOSTILE_ENGINE }

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>

/** The built `demo-server`, with flags as on a command line. */
export function startDemoServerProgram(args: readonly string[], options: ProgramOptions = {}): Program {
  return startNode(MAIN, args, { ...options, environment: { ...ENGINE_ENVIRONMENT, ...options.environment } })
}

/** `demo-server` on free ports, once it listens. */
export async function startDemoServer(flags: readonly string[] = [], options?: ProgramOptions): Promise<DemoServer> {
  return listening(startDemoServerProgram(['--port', '0', '--metrics-port', '0', ...flags], options))
}

/** Waits until a server has logged in JSON where it listens. */
export async function listening(program: Program): Promise<DemoServer> {
  const line = await program.until('it listens', () => logLines(program).find(({ msg }) => msg === 'listening'))
  const path = typeof line['path'] === 'string' ? line['path'] : undefined
  const server = new DemoServer(program, Number(line['port']), Number(line['metricsPort']), path)
  onTestFinished(() => server.hangUp())
  return server
}

/** Waits until a server that does not log it can be connected to. */
export async function connectable(program: Program, port: number): Promise<DemoServer> {
  const server = new DemoServer(program, port, 0)
  onTestFinished(() => server.hangUp())
  const deadline = performance.now() + PROGRAM_PATIENCE
  for (;;) {
    try {
      const peer = await server.connect()
      peer.end()
      await peer.untilClosed()
      return server
    } catch (error) {
      if (!program.running || performance.now() > deadline) throw error
      await sleep(POLL_INTERVAL)
    }
  }
}

/** The running program: its log, its metrics, and connections to it. */
export class DemoServer {
  readonly program: Program
  readonly port: number
  readonly metricsPort: number
  /** The path of its Unix socket, if it listens on one. */
  readonly path: string | undefined
  readonly #peers: Peer[] = []

  constructor(program: Program, port: number, metricsPort: number, path?: string) {
    this.program = program
    this.port = port
    this.metricsPort = metricsPort
    this.path = path
  }

  /** What it has logged so far. */
  get log(): LogLine[] {
    return logLines(this.program)
  }

  /** What it has logged so far with this message. */
  logged(message: string): LogLine[] {
    return this.log.filter(({ msg }) => msg === message)
  }

  /** Waits for this many lines with this message. */
  async untilLogged(message: string, count = 1): Promise<LogLine[]> {
    return this.program.until(`it has logged "${message}" ${count} times`, () => {
      const lines = this.logged(message)
      return lines.length >= count ? lines : undefined
    })
  }

  /** A connection that sends bytes as they are. */
  async connect(options?: PeerOptions): Promise<Peer> {
    const tcp = { address: '127.0.0.1', port: this.port }
    return this.keep(await connectPeer(this.path === undefined ? tcp : { path: this.path }, options))
  }

  /** Ends a connection that was made in another way at the end of the test. */
  keep(peer: Peer): Peer {
    this.#peers.push(peer)
    return peer
  }

  /** Requests a page, like a load balancer does: `/healthz`, `/readyz`. */
  async probe(page: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await within(fetch(`http://127.0.0.1:${this.metricsPort}${page}`), `for ${page}`)
    return { status: response.status, text: await response.text() }
  }

  /** The current metrics. */
  async scrape(): Promise<Metrics> {
    const response = await within(fetch(`http://127.0.0.1:${this.metricsPort}/metrics`), 'for the metrics')
    if (!response.ok) throw new Error(`the metrics: ${response.status}`)
    return parseMetrics(await response.text())
  }

  /** Scrapes until the metrics meet a condition. */
  async untilScraped(what: string, condition: (metrics: Metrics) => boolean): Promise<Metrics> {
    const deadline = performance.now() + PATIENCE
    for (;;) {
      const metrics = await this.scrape()
      if (condition(metrics)) return metrics
      if (performance.now() > deadline) throw new Error(`waited ${PATIENCE} ms in vain: for ${what}`)
      await sleep(POLL_INTERVAL)
    }
  }

  /** Ends the test's connections. */
  hangUp(): void {
    for (const peer of this.#peers) peer.socket.destroy()
  }
}

/** Metrics by name and labels, in the form of the text: `tcp_server_results_total{result="success"}`. */
export class Metrics {
  readonly #values: ReadonlyMap<string, number>

  constructor(values: ReadonlyMap<string, number>) {
    this.#values = values
  }

  /** The value of a metric of the server itself: `req_recv_total`. */
  value(name: string): number {
    const value = this.#values.get(`tcp_server_${name}`)
    if (value === undefined) throw new Error(`there is no metric tcp_server_${name}`)
    return value
  }

  /** How many connections were closed, by reason, without reasons that did not occur. */
  get closed(): Record<string, number> {
    const closed: Record<string, number> = {}
    for (const [name, value] of this.#values) {
      const reason = /^tcp_server_connections_closed_total\{reason="([^"]+)"\}$/.exec(name)?.[1]
      if (reason !== undefined && value > 0) closed[reason] = value
    }
    return closed
  }
}

function logLines(program: Program): LogLine[] {
  return program.stderrLines.map((line) => {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null) throw new Error(`not a line of the log: ${line}`)
    return entry as LogLine
  })
}

function parseMetrics(text: string): Metrics {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([^#\s]\S*) (\S+)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) values.set(name, Number(value))
  }
  return new Metrics(values)
}
