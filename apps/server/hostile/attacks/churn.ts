/** Connections that are made, used once, and ended, over and over. */
import { connect } from 'node:net'
import { submit, submitAck } from '@demo/testkit/wire'
import { inParallel, upTo } from './in-parallel.ts'

/** How many source addresses are used: the system has 28,000 ports for each. */
const ADDRESSES = 16

const AT_ONCE = 100
const PATIENCE = 10_000
const SUBMIT = Buffer.from(submit(1), 'hex')
const ACK = submitAck(1)

/** The results of all connections. */
export interface ChurnResult {
  readonly succeeded: number
  /** The errors of the others, each once. */
  readonly failures: readonly string[]
}

/** Connects, submits, waits for the ack and closes, `times` times. */
export async function churn(port: number, times: number): Promise<ChurnResult> {
  const failures = new Set<string>()
  let succeeded = 0
  await inParallel(AT_ONCE, upTo(times), async (index) => {
    try {
      await useOnce(port, index)
      succeeded += 1
    } catch (error) {
      failures.add((error as Error).message)
    }
  })
  return { succeeded, failures: [...failures] }
}

function useOnce(port: number, index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${1 + (index % ADDRESSES)}`
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
    let received = ''
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('nothing came for ten seconds')))
    socket.on('connect', () => socket.write(SUBMIT))
    socket.on('data', (chunk) => {
      received += chunk.toString('hex')
      if (received.length >= ACK.length) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      if (received === ACK) resolve()
      else reject(new Error(`the answer was ${received === '' ? 'none' : received}`))
    })
  })
}
