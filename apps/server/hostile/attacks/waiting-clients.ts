/** Clients of the library, and what becomes of their requests when their server stands still. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, ClientError, connect } from '../../../../packages/client-sim/src/index.ts'

const NOTHING = new Uint8Array(0)

/** Longer than any of them may wait, in milliseconds. */
const PATIENCE = 10_000

let clients: Client[] = []

/** What became of all clients. Times in seconds. */
export interface Outcome {
  /** Clients that ended with this code. */
  readonly ended: number
  /** From the first request to the end of the connection. */
  readonly endedAfter: readonly number[]
  readonly requests: number
  /** Requests that were rejected: by their time limit, and when the connection ended. */
  readonly timedOut: number
  readonly silent: number
  /** Requests that were neither answered nor rejected. */
  readonly pending: number
  /** Clients that took another request, or waited with it. */
  readonly alive: number
}

/** Connects, and has one request answered on each. */
export async function come(port: number, count: number, silenceTimeout: number): Promise<number> {
  // Requests wait for half of the time, so that some time out and take the places of others.
  const options = { port, window: 10, timeout: silenceTimeout / 2, silenceTimeout }
  clients = await Promise.all(Array.from({ length: count }, () => connect(options)))
  const results = await Promise.all(clients.map((client) => client.submit(NOTHING)))
  return results.filter((result) => result === 0).length
}

/** Each submits so many, and one more when its connection has ended. */
export async function submitToSilence(each: number): Promise<Outcome> {
  const codes: string[] = []
  const ends: string[] = []
  const endedAfter: number[] = []
  let alive = 0
  const one = async (client: Client) => {
    const start = performance.now()
    for (let i = 0; i < each; i++) {
      const longer = i === 0 ? { timeout: PATIENCE } : {}
      client.submit(NOTHING, longer).then(
        () => codes.push('answered'),
        (error: unknown) => codes.push(codeOf(error)),
      )
    }
    const end = await Promise.race([client.closed, patience()])
    ends.push(codeOf(end))
    endedAfter.push((performance.now() - start) / 1000)
    const again = client.submit(NOTHING).then(
      () => 'answered',
      (error: unknown) => codeOf(error),
    )
    if (client.alive || (await again) !== 'ERR_CLIENT_SILENT') alive += 1
  }
  await Promise.all(clients.map(one))
  const count = (all: readonly string[], code: string) => all.filter((one) => one === code).length
  return {
    ended: count(ends, 'ERR_CLIENT_SILENT'),
    endedAfter,
    requests: each * clients.length,
    timedOut: count(codes, 'ERR_CLIENT_TIMEOUT'),
    silent: count(codes, 'ERR_CLIENT_SILENT'),
    pending: each * clients.length - codes.length,
    alive,
  }
}

const codeOf = (error: unknown) => (error instanceof ClientError ? error.code : String(error))

const patience = () => sleep(PATIENCE, undefined, { ref: false })
