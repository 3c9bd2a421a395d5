/** Mutated and random streams over real connections, each of which must end as the protocol says. */
import { connect } from 'node:net'
import { Random } from '@demo/testkit/random'
import { cut, judge, makeStream, type Rules, type Verdict } from './streams.ts'

const ADDRESSES = 8
const AT_ONCE = 50
const ACK_LENGTH = 14

/** Longer than any limit that a stream could run into: whoever is still there then, hangs. */
const PATIENCE = 10_000

/** What became of all streams. */
export interface StreamsResult {
  /** How many must have been closed, by reason. */
  readonly expected: Readonly<Record<string, number>>
  readonly hung: number
  /** Streams that were not answered as often as they must be, or were reset. */
  readonly wrong: readonly string[]
}

export async function throwStreams(port: number, times: number, seed: number, rules: Rules): Promise<StreamsResult> {
  const expected: Record<string, number> = {}
  const wrong: string[] = []
  let hung = 0
  let left = times
  const line = async () => {
    while (left > 0) {
      left -= 1
      const index = left
      // Each has a seed of its own, so that one that went wrong can be thrown again alone.
      const random = new Random(seed + index)
      const bytes = makeStream(random, rules)
      const verdict = judge(bytes, rules)
      expected[verdict.reason] = (expected[verdict.reason] ?? 0) + 1
      const outcome = await throwStream(port, index, cut(bytes, random), verdict)
      if (outcome === 'hung') hung += 1
      if (outcome !== undefined) wrong.push(`${outcome}: seed ${seed + index}, ${bytes.toString('hex')}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, line))
  return { expected, hung, wrong }
}

/** What was wrong with how it was taken, if something was. */
function throwStream(port: number, index: number, pieces: Buffer[], verdict: Verdict): Promise<string | undefined> {
  return new Promise((resolve) => {
    const localAddress = `127.0.0.${1 + (index % ADDRESSES)}`
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: true })
    let received = 0
    let outcome: string | undefined
    socket.setTimeout(PATIENCE, () => {
      outcome = 'hung'
      socket.destroy()
    })
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece)
      socket.end()
    })
    socket.on('data', (chunk) => {
      received += chunk.length
    })
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      outcome = code ?? message
    })
    socket.on('close', () => {
      if (received !== verdict.answers * ACK_LENGTH) outcome ??= `${received} bytes, not ${verdict.answers} answers`
      resolve(outcome)
    })
  })
}
