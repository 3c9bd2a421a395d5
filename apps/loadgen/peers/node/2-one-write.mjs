// @ts-check
/**
 * Step 2, the same server with one write for each read: the acks of a chunk are sent together. A synchronous handler is
 * not awaited, so there is no promise either.
 *
 *     node 2-one-write.mjs 8888
 */
import { createServer } from 'node:net'

/** @param {Buffer} packet */
function decode(packet) {
  return { command: packet[0], id: packet.toString('latin1', 1, 9), payload: packet.subarray(9) }
}

/** @param {{ id: string, result: number }} ack */
function encode({ id, result }) {
  const frame = Buffer.alloc(14)
  frame.writeUInt32BE(14, 0)
  frame.writeUInt8(0x82, 4)
  frame.write(id, 5, 'latin1')
  frame.writeUInt8(result, 13)
  return frame
}

/** Accepts every request. @param {{ id: string, payload: Buffer }} _submit */
function handle(_submit) {
  return 0
}

const server = createServer({ noDelay: true }, (socket) => {
  /** Received bytes that are not a complete frame yet. */
  let received = Buffer.alloc(0)

  /** @param {Buffer} chunk */
  function receive(chunk) {
    received = Buffer.concat([received, chunk])
    const acks = []
    while (received.length >= 4 && received.length >= received.readUInt32BE(0)) {
      const length = received.readUInt32BE(0)
      if (length < 13) return void socket.destroy()
      const submit = decode(received.subarray(4, length))
      acks.push(encode({ id: submit.id, result: handle(submit) }))
      received = received.subarray(length)
    }
    if (acks.length > 0) socket.write(Buffer.concat(acks))
  }

  socket.on('data', receive)
  socket.on('error', () => socket.destroy())
})

server.listen(Number(process.argv[2]), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
