/** A frame that is sent in writes of one byte each. */
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

/** Bytes between two turns of the event loop: few enough for the system to take each at once. */
const WRITES_A_TURN = 64

let socket: Socket | undefined
let frame = Buffer.alloc(0)
let at = 0
let received = ''

/** Connects, and makes the frame: a Submit of this many bytes, header included. */
export async function start(port: number, frameLength: number): Promise<void> {
  frame = Buffer.alloc(frameLength, 0x78)
  frame.writeUInt32BE(frameLength, 0)
  frame.write('\x0200000001', 4, 'latin1')
  at = 0
  received = ''
  const connection = connect({ host: '127.0.0.1', port, noDelay: true })
  socket = connection
  await new Promise<void>((resolve, reject) => connection.once('connect', resolve).once('error', reject))
  connection.on('data', (chunk) => {
    received += chunk.toString('hex')
  })
}

/** Continues to write the frame, a byte at a time, up to this many bytes. */
export async function writeUpTo(length: number): Promise<void> {
  if (socket === undefined) throw new Error('not connected')
  while (at < length) {
    for (let i = 0; i < WRITES_A_TURN && at < length; i++) socket.write(frame.subarray(at, ++at))
    while (socket.writableLength > 0) await turn()
    await turn()
  }
}

/** What was received, as hex. */
export function answer(): string {
  return received
}
