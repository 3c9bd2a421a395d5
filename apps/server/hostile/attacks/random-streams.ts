/** Mutated and random streams over real connections. Each must end as the protocol says. */
import { connect } from 'node:net'
import { Random } from '@demo/testkit/random'
import { inParallel, upTo } from './in-parallel.ts'
import { cut, judge, makeStream, type Rules, type Verdict } from './streams.ts'

const ADDRESSES = 8
const AT_ONCE = 50
const ACK_LENGTH = 14

/** Longer than all time limits of a stream: a connection that is still open after it hangs. */
const PATIENCE = 10_000

/** The results of all streams. */
export interface StreamsResult {
  /** How many connections must have been closed, by reason. */
  readonly expected: Readonly<Record<string, number>>
  readonly hung: number
  /** Streams with a wrong number of answers, or with a reset. */
  readonly wrong: readonly string[]
}

export async function sendStreams(port: number, times: number, seed: number, rules: Rules): Promise<StreamsResult> {
  const expected: Record<string, number> = {}
  const wrong: string[] = []
  let hung = 0
  await inParallel(AT_ONCE, upTo(times), async (index) => {
    // Each stream has its own seed, so that one that failed can be repeated alone.
    const random = new Random(seed + index)
    const bytes = makeStream(random, rules)
    const verdict = judge(bytes, rules)
    expected[verdict.reason] = (expected[verdict.reason] ?? 0) + 1
    const outcome = await sendStream(port, index, cut(bytes, random), verdict)
    if (outcome === 'hung') hung += 1
    if (outcome !== undefined) wrong.push(`${outcome}: seed ${seed + index}, ${bytes.toString('hex')}`)
  })
  return { expected, hung, wrong }
}

/** What was wrong with the end of a stream; undefined if nothing was. */
function sendStream(port: number, index: number, pieces: Buffer[], verdict: Verdict): Promise<string | undefined> {
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
