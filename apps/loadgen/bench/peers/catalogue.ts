import { fileURLToPath } from 'node:url'

/** A server to measure. */
export interface Peer {
  /** Its name in `--peers`. */
  readonly id: string
  /** Its name in tables and charts. */
  readonly name: string
  /** Its description in the list below the table. */
  readonly what: string
  /** The program that it needs to be built or run, besides Node. */
  readonly needs?: 'cc' | 'go' | 'redis-server'
  /** Its source, if it has to be built. */
  readonly source?: { readonly file: string; readonly compiler: readonly string[] }
  readonly environment?: Readonly<Record<string, string>>
  /** The command that starts it. @param built the path of the built program */
  command(port: number, built: string): readonly [string, ...string[]]
  /** Whether it answers PINGs of Redis instead of Submits. */
  readonly resp?: true
  /** It shows a fault: it leaves requests unanswered. For any other peer that is an error. */
  readonly leavesUnanswered?: true
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const CC = ['cc', '-O2', '-o']
const GO = ['go', 'build', '-o']

/** The reference of all others. */
export const FLOOR: Peer = {
  id: 'floor',
  name: 'C, the floor',
  what: '`floor.c`: epoll, one read, one loop, one write, on one thread; no limits. What is left when a server does nothing else',
  needs: 'cc',
  source: { file: path('../../peers/floor.c'), compiler: CC },
  command: (port, built) => [built, `${port}`],
}

/** Our server, as it is released. */
export const DEMO_SERVER: Peer = {
  id: 'demo-server',
  name: 'demo-server',
  what: 'ours, as `npm start` starts it: every limit of the table in operations.md, and metrics',
  command: (port) => [
    process.execPath,
    path('../../../server/dist/main.js'),
    ...['--port', `${port}`, '--metrics-port', '0', '--log-level', 'error'],
  ],
}

const tuned = { needs: 'go', source: { file: path('../../peers/tuned.go'), compiler: GO } } as const

const node = (file: string): Peer['command'] => {
  const script = path(`../../peers/node/${file}`)
  return (port) => [process.execPath, script, `${port}`]
}

/** The steps from the naive server to `demo-server`, which is the last one: docs/performance.md. */
export const STEPS: readonly Peer[] = [
  {
    id: 'naive',
    name: 'Node, naive',
    what: '`node/1-naive.mjs`: a slice and a promise for each request, a write for each ack',
    command: node('1-naive.mjs'),
  },
  {
    id: 'one-write',
    name: 'Node, one write',
    what: '`node/2-one-write.mjs`: the acks of one read leave together',
    command: node('2-one-write.mjs'),
  },
  {
    id: 'cursor',
    name: 'Node, cursor',
    what: '`node/3-cursor.mjs`: no slice, no string, acks written where they are sent from',
    command: node('3-cursor.mjs'),
  },
]

/** All peers, in the order of the tables. */
export const PEERS: readonly Peer[] = [
  FLOOR,
  {
    id: 'tuned-1',
    name: 'Go, tuned, one core',
    what: '`tuned.go` with `GOMAXPROCS=1`: the best that the language of the original series can do, on one thread as we are',
    ...tuned,
    environment: { GOMAXPROCS: '1' },
    command: (port, built) => [built, `${port}`],
  },
  {
    id: 'tuned',
    name: 'Go, tuned, all cores',
    what: 'the same as Go runs it when nobody says otherwise: on all cores, that of the client included',
    ...tuned,
    command: (port, built) => [built, `${port}`],
  },
  {
    id: 'unflushed',
    name: 'Go, never flushes',
    what: '`original-server.go --kind buffered`: buffered in the manner of the original series, on all cores. It sends its acks by 4096 bytes; with fewer than 293 requests in flight none is ever sent',
    needs: 'go',
    source: { file: path('../../peers/original-server.go'), compiler: GO },
    command: (port, built) => [built, '--kind', 'buffered', '--port', `${port}`],
    leavesUnanswered: true,
  },
  {
    id: 'redis',
    name: 'Redis, PING',
    what: 'a Redis without persistence. Its requests are pipelined `PING`s of 14 bytes, its answers 7 bytes: less work, but a protocol of text',
    needs: 'redis-server',
    command: (port) => [
      'redis-server',
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--maxclients', '1000'],
      ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
    ],
    resp: true,
  },
  ...STEPS.slice(0, 1),
  DEMO_SERVER,
]
