import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PEERS = fileURLToPath(new URL('../../loadgen/peers/', import.meta.url))
const BUILT = fileURLToPath(new URL('../../../node_modules/.cache/peers/', import.meta.url))

/** A running server. */
export interface Running {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** What `load.c` sends, and for how long. */
export interface LoadOptions {
  /** Requests in flight on each of 100 connections. */
  readonly window: number
  /** Bytes of each payload. */
  readonly payload: number
  readonly seconds: number
  /** Seconds before `seconds` that are not counted. */
  readonly warmup?: number
  /** How long the last answers may take, in seconds. */
  readonly patience?: number
  /** Pipelined PINGs to a Redis instead of Submits. */
  readonly resp?: boolean
}

/** What `load.c` measured. */
export interface Load {
  readonly acksPerSecond: number
  /** Processor time of the client, in cores. */
  readonly clientCpu: number
  /** Requests that were never answered. */
  readonly lost: number
  /** Connections with the right number of answers, but to other requests. */
  readonly wrongIds: number
}

/** Builds a peer in C, and returns the path of the program. */
export function build(name: 'load' | 'floor'): string {
  mkdirSync(BUILT, { recursive: true })
  const program = `${BUILT}${name}`
  execFileSync('cc', ['-O2', '-o', program, `${PEERS}${name}.c`], { stdio: 'inherit' })
  return program
}

/** Builds a peer in Go; the path of the program. */
export function buildGo(name: 'original-client' | 'original-server'): string {
  mkdirSync(BUILT, { recursive: true })
  const program = `${BUILT}${name}`
  const env = { ...process.env, GO111MODULE: 'off' }
  execFileSync('go', ['build', '-o', program, `${PEERS}${name}.go`], { stdio: 'inherit', env })
  return program
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Starts the floor, and waits until it listens. */
export function startFloor(program: string): Promise<Running> {
  return startOnPort((port) => [program, `${port}`])
}

/** Starts a server on a given free port, and waits until it listens. */
export async function startOnPort(
  command: (port: number) => readonly [string, ...string[]],
  options: SpawnOptions = {},
): Promise<Running> {
  const port = await freePort()
  const [program, ...args] = command(port)
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })
  let failed: Error | undefined
  child.once('error', (error) => {
    failed = error
  })
  while (!(await answers(port))) {
    if (failed !== undefined) throw failed
    if (child.exitCode !== null) throw new Error(`${program} ended with status ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return running(child, port)
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Starts a program of ours that logs a line with its port when it listens. */
export async function startNode(script: string, args: readonly string[]): Promise<Running> {
  const loader = script.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
  const child = spawn(process.execPath, [...loader, script, ...args], { stdio: ['ignore', 'inherit', 'pipe'] })
  const lines = createInterface({ input: child.stderr })
  for await (const line of lines) {
    const entry = JSON.parse(line) as { msg?: string; port?: number }
    if (entry.msg !== 'listening' || entry.port === undefined) continue
    child.stderr.resume()
    return running(child, entry.port)
  }
  throw new Error(`${script} did not listen`)
}

function running(child: ReturnType<typeof spawn>, port: number): Running {
  const { pid } = child
  if (pid === undefined) throw new Error('it did not start')
  return {
    port,
    pid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Drives a server with the neutral client; throws when a request was lost or answered wrongly. */
export function drive(program: string, port: number, window: number, payload: number, seconds: number): Load {
  const load = measure(program, port, { window, payload, seconds })
  if (load.lost > 0 || load.wrongIds > 0) throw new Error(`${load.lost} lost, ${load.wrongIds} wrong`)
  return load
}

/** Drives a server with the neutral client. The caller checks for lost requests. */
export function measure(program: string, port: number, options: LoadOptions): Load {
  const { window, payload, seconds, warmup = 1, patience = 10, resp = false } = options
  const args = { port, window, payload, seconds, warmup, patience, connections: 100 }
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, `${value}`])
  const { stdout, stderr } = spawnSync(program, resp ? [...flags, '--resp'] : flags, { encoding: 'utf8' })
  // It prints a line when it has finished.
  if (stdout === '') throw new Error(stderr.trim())
  return JSON.parse(stdout) as Load
}

/** The median; with an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [lower, upper] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (lower === undefined || upper === undefined) throw new Error('there is no median of no values')
  return (lower + upper) / 2
}
