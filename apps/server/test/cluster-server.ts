import type { Peer } from '@demo/testkit/peer'
import type { ProgramOptions } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { conn } from '@demo/testkit/wire'
import { type DemoServer, type LogLine, startDemoServer } from './demo-server.ts'
import { hex } from './token-guard.ts'

/** How many connections are made until each of two workers has one. */
const MAX_TRIES = 20

/** `demo-server` with workers, on free ports, once all of them listen. */
export function startWorkers(count: number, flags: readonly string[] = [], options?: ProgramOptions) {
  return startDemoServer(['--workers', `${count}`, '--log-level', 'debug', ...flags], options)
}

/** The process IDs of all workers with this number that have ever listened, in order. */
export function pidsOf(server: DemoServer, worker: number): number[] {
  return server
    .logged('worker listening')
    .filter((line) => line['worker'] === worker)
    .map(({ pid }) => Number(pid))
}

/** Kills a worker with SIGKILL, and returns its process ID. */
export function killWorker(server: DemoServer, worker: number): number {
  const pid = pidsOf(server, worker).at(-1)
  if (pid === undefined) throw new Error(`no worker ${worker} ever listened`)
  process.kill(pid, 'SIGKILL')
  return pid
}

/** Counts these lines by worker. */
export function countByWorker(lines: readonly LogLine[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const line of lines) {
    const worker = Number(line['worker'])
    counts[worker] = (counts[worker] ?? 0) + 1
  }
  return counts
}

/** Whether a process with this ID exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits for the end of all these processes. */
export async function untilGone(pids: readonly number[], patience?: number): Promise<void> {
  await waitFor(
    () => !pids.some(isAlive),
    () => `for ${pids.filter(isAlive)} to be gone`,
    patience,
  )
}

/** The answer of each of two workers to a Conn with this token. */
export async function answersOfBoth(server: DemoServer, token: string): Promise<string[]> {
  const answers: string[] = []
  for (const peer of await oneOfEach(server)) {
    peer.send(conn(1, hex(token)))
    answers.push(await peer.receive(14))
    peer.end()
    await peer.untilClosed()
  }
  return answers
}

/** A connection to each of two workers, in the order of their numbers. */
export function oneOfEach(server: DemoServer): Promise<[Peer, Peer]> {
  return eachOnce(
    server,
    () => server.connect(),
    (peer) => peer.end(),
  )
}

/** A connection to each of two workers, made and ended by these functions. */
export async function eachOnce<Connection>(
  server: DemoServer,
  connect: () => Promise<Connection>,
  end: (connection: Connection) => void,
): Promise<[Connection, Connection]> {
  const made = new Map<number, Connection>()
  const before = server.logged('connection opened').length
  for (let opened = 1; made.size < 2 && opened <= MAX_TRIES; opened++) {
    const connection = await connect()
    const lines = await server.untilLogged('connection opened', before + opened)
    const worker = Number(lines.at(-1)?.['worker'])
    if (made.has(worker)) end(connection)
    else made.set(worker, connection)
  }
  const [first, second] = [made.get(1), made.get(2)]
  if (first === undefined || second === undefined) throw new Error(`only worker ${[...made.keys()]} took connections`)
  return [first, second]
}
