// A protocol of its own: frames with a little-endian length of three bytes, with JSON in them. {"add":[1,2]} is answered with
// {"ok":true,"sum":3}; {"note":"…"} has no reply.
import { lengthPrefixed } from '@demo/frame'
import { createFrameServer, ProtocolError, router } from '@demo/server'

const codec = {
  frames: lengthPrefixed({ lengthBytes: 3, endian: 'little', maxFrameLength: 64 * 1024 }),
  decode(bytes, start, end) {
    try {
      return Object(JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))))
    } catch (cause) {
      throw new ProtocolError('a message must be JSON', { cause })
    }
  },
  encode: (reply) => Buffer.from(JSON.stringify(reply)),
}

const server = createFrameServer({
  codec,
  onOpen: (session) => void session.send({ welcome: session.id }),
  onMessage: router(
    {
      add: ({ add: [a, b] }) => ({ ok: true, sum: a + b }),
      note: ({ note }) => console.log(`note: ${note}`),
    },
    { key: (message) => String(Object.keys(message)[0]) },
  ),
  failureReply: (error) => ({ ok: false, error: error.message }),
  onError: (error, session) => console.log(`session ${session.id}: ${error.message}`),
  onClose: (session, reason) => console.log(`session ${session.id} closed: ${reason}`),
})

const { port } = await server.listen({ port: Number(process.env['PORT'] ?? 8888) })
console.log(`listening on ${port}`)
process.once('SIGTERM', () => server.close())
process.once('SIGINT', () => server.close())
