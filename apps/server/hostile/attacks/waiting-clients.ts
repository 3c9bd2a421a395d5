/** Clients of the library whose server stops responding. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, ClientError, connect } from '../../../../packages/client-sim/src/index.ts'

const NOTHING = new Uint8Array(0)

/** Longer than all time limits of the clients, in milliseconds. */
const PATIENCE = 10_000

let clients: Client[] = []

/** The results of all clients. Times in seconds. */
export interface Outcome {
  /** Clients that ended with ERR_CLIENT_SILENT. */
  readonly ended: number
  /** From the first request to the end of the connection. */
  readonly endedAfter: readonly number[]
  readonly requests: number
  /** Requests that were rejected: by their time limit, and when the connection ended. */
  readonly timedOut: number
  readonly silent: number
  /** Requests that were neither answered nor rejected. */
  readonly pending: number
  /** Clients that accepted another request after their end. */
  readonly alive: number
}

/** Connects the clients, and waits for the answer to one request of each. */
export async function connectAll(port: number, count: number, silenceTimeout: number): Promise<number> {
  // Requests time out after half of the limit, so that others take their places in the window.
  const options = { port, window: 10, timeout: silenceTimeout / 2, silenceTimeout }
  clients = await Promise.all(Array.from({ length: count }, () => connect(options)))
  const results = await Promise.all(clients.map((client) => client.submit(NOTHING)))
  return results.filter((result) => result === 0).length
}

/** Submits this many requests on each client, and one more after its connection has ended. */
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
