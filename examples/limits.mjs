// A server with limits of its own, and three peers that run into them: a frame that is too long, silence, and one
// connection too many.
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { createServer } from '@demo/server'

const server = createServer(
  {
    onSubmit() {},
    onClose: (_session, reason) => console.log(reason),
  },
  {
    maxFrameLength: 1024, // bytes, the header included
    maxConnections: 1,
    idleTimeout: 200, // milliseconds
  },
)
const { port } = await server.listen({ port: 0 })

// The header promises 4 GiB. It is refused before anything is allocated.
const tooLong = connectSocket({ port, host: '127.0.0.1' })
tooLong.resume().end(new Uint8Array([0xff, 0xff, 0xff, 0xff]))
await once(tooLong, 'close')

const silent = connectSocket({ port, host: '127.0.0.1' })
silent.resume()
await once(silent, 'connect')

const oneTooMany = connectSocket({ port, host: '127.0.0.1' })
oneTooMany.resume().on('error', () => {}) // it may be reset
await Promise.all([once(oneTooMany, 'close'), once(silent, 'close')])

await server.close()
