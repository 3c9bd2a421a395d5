// @ts-check
/**
 * Step 1, the obvious server: a slice for each frame, an object for each packet, a promise for each
 * request, and a write for each ack.
 *
 *     node 1-naive.mjs 8888
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
async function handle(_submit) {
  return 0
}

const server = createServer((socket) => {
  /** Received bytes that are not a complete frame yet. */
  let received = Buffer.alloc(0)

  /** @param {Buffer} packet */
  async function answer(packet) {
    const submit = decode(packet)
    const result = await handle(submit)
    socket.write(encode({ id: submit.id, result }))
  }

  /** @param {Buffer} chunk */
  function receive(chunk) {
    received = Buffer.concat([received, chunk])
    while (received.length >= 4 && received.length >= received.readUInt32BE(0)) {
      const length = received.readUInt32BE(0)
      if (length < 13) return void socket.destroy()
      answer(received.subarray(4, length))
      received = received.subarray(length)
    }
  }

  socket.on('data', receive)
  socket.on('error', () => socket.destroy())
})

server.listen(Number(process.argv[2]), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
