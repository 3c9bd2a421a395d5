// A client of own-protocol-server.mjs: sends each of its arguments as a message, and prints all messages of the server until
// it ends the connection.
import { once } from 'node:events'
import { connect } from 'node:net'
import { lengthPrefixed } from '@demo/frame'

const format = lengthPrefixed({ lengthBytes: 3, endian: 'little' })
const socket = connect(Number(process.env['PORT'] ?? 8888))
await once(socket, 'connect')

for (const message of process.argv.slice(2)) {
  const payload = Buffer.from(message)
  const frame = new Uint8Array(format.encodedLength(payload.length))
  format.encodeInto(payload, frame, 0)
  socket.write(frame)
}
socket.end()

const decoder = format.decoder()
for await (const chunk of socket) {
  decoder.push(chunk)
  while (decoder.next()) console.log(Buffer.from(decoder.bytes.subarray(decoder.start, decoder.end)).toString())
}
decoder.finish()
