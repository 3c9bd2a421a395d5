/** Connections that send all their requests, end their side, and read the answers. */
import { connect } from 'node:net'

const ACK_LENGTH = 14
const SHORTEST_REQUEST = 13
const PATIENCE = 20_000

export interface HalfClosed {
  readonly complete: number
  /** What the others received. */
  readonly incomplete: readonly string[]
}

/** Sends these requests, of 13 bytes each, on each connection, and ends it. */
export async function submitAndEnd(port: number, connections: number, requests: Uint8Array): Promise<HalfClosed> {
  const expected = acksOf(requests)
  const outcomes = await Promise.all(Array.from({ length: connections }, () => one(port, requests, expected)))
  const incomplete = outcomes.filter((outcome) => outcome !== undefined)
  return { complete: connections - incomplete.length, incomplete }
}

function one(port: number, requests: Uint8Array, expected: Buffer): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    const chunks: Buffer[] = []
    let end = 'no FIN'
    socket.setTimeout(PATIENCE, () => socket.destroy())
    socket.on('connect', () => socket.end(requests))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => {
      end = 'FIN'
    })
    socket.on('error', ({ message }) => {
      end = message
    })
    socket.on('close', () => {
      const received = Buffer.concat(chunks)
      if (end === 'FIN' && received.equals(expected)) resolve(undefined)
      else resolve(`${received.length} of ${expected.length} bytes, then ${end}`)
    })
  })
}

/** The expected acks, in order: success, with the ID of each request. */
function acksOf(requests: Uint8Array): Buffer {
  const count = requests.length / SHORTEST_REQUEST
  const acks = Buffer.alloc(count * ACK_LENGTH)
  for (let i = 0; i < count; i++) {
    acks.set([0, 0, 0, ACK_LENGTH, 0x82], i * ACK_LENGTH)
    acks.set(requests.subarray(i * SHORTEST_REQUEST + 5, (i + 1) * SHORTEST_REQUEST), i * ACK_LENGTH + 5)
  }
  return acks
}
