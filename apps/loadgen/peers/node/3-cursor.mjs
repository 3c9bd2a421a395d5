// @ts-check
/**
 * Step 3, a cursor: two numbers say where a packet is in its chunk. Nothing is sliced, no ID becomes a string unless the
 * handler reads it, and an ack is written into the buffer that is sent.
 *
 *     node 3-cursor.mjs 8888
 */
import { createServer } from 'node:net'

// Bytes are read within the checked length: a cast replaces a check for each byte.

const SHORTEST_FRAME = 13
const ACK_LENGTH = 14
const NOTHING = Buffer.alloc(0)

/** A view of a packet in its chunk. Fields are read on access. */
class SubmitView {
  /** @param {Buffer} bytes @param {number} start @param {number} end */
  constructor(bytes, start, end) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  get id() {
    return this.bytes.toString('latin1', this.start + 1, this.start + 9)
  }

  get payload() {
    return this.bytes.subarray(this.start + 9, this.end)
  }
}

/** Accepts every request. @param {SubmitView} _submit */
function handle(_submit) {
  return 0
}

/** @param {SubmitView} submit @param {number} result @param {Buffer} acks @param {number} at */
function writeAck({ bytes, start }, result, acks, at) {
  acks[at] = acks[at + 1] = acks[at + 2] = 0
  acks[at + 3] = ACK_LENGTH
  acks[at + 4] = 0x82
  for (let i = 1; i <= 8; i++) acks[at + 4 + i] = /** @type {number} */ (bytes[start + i])
  acks[at + 13] = result
  return at + ACK_LENGTH
}

const server = createServer({ noDelay: true }, (socket) => {
  /** The incomplete frame at the end of the last chunk. @type {Buffer} */
  let rest = NOTHING

  /** @param {Buffer} chunk */
  function receive(chunk) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const acks = Buffer.allocUnsafe(Math.floor(bytes.length / SHORTEST_FRAME) * ACK_LENGTH)
    let filled = 0
    let at = 0
    while (bytes.length - at >= 4) {
      const b0 = /** @type {number} */ (bytes[at])
      const b1 = /** @type {number} */ (bytes[at + 1])
      const b2 = /** @type {number} */ (bytes[at + 2])
      const b3 = /** @type {number} */ (bytes[at + 3])
      const length = (b0 << 24) | (b1 << 16) | (b2 << 8) | b3
      if (length < SHORTEST_FRAME) return void socket.destroy()
      if (bytes.length - at < length) break
      const submit = new SubmitView(bytes, at + 4, at + length)
      filled = writeAck(submit, handle(submit), acks, filled)
      at += length
    }
    rest = bytes.subarray(at)
    if (filled > 0) socket.write(acks.subarray(0, filled))
  }

  socket.on('data', receive)
  socket.on('error', () => socket.destroy())
})

server.listen(Number(process.argv[2]), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
