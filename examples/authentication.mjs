// A server that requires a known token in a Conn. Of two clients, one has a token and the other does not.
import { timingSafeEqual } from 'node:crypto'
import { ClientError, connect } from '@demo/client-sim'
import { createServer } from '@demo/server'

const TOKEN = new TextEncoder().encode('s3cret')

const server = createServer({
  onConn(conn) {
    const token = conn.payload
    return token.length === TOKEN.length && timingSafeEqual(token, TOKEN) ? 0 : 1
  },
  // Called only after the Conn of its connection has succeeded.
  onSubmit(_submit, { session }) {
    console.log(`server: a request, authenticated: ${session.authenticated}`)
  },
  onClose(session, reason) {
    console.log(`server: session ${session.id} closed, ${reason}`)
  },
})
const { port } = await server.listen({ port: 0 })

const client = await connect({ port, credentials: TOKEN })
console.log(`client: result ${await client.submit(new TextEncoder().encode('hello'))}`)
await client.close()

try {
  await connect({ port, credentials: new TextEncoder().encode('wrong') })
} catch (error) {
  console.log(`client: ${error instanceof ClientError ? error.code : error}`)
}

await server.close()
