// A server with TLS. One client trusts its certificate, the other does not.
import { ClientError, connect } from '@demo/client-sim'
import { createServer } from '@demo/server'
import { createCertificate } from './certificate.mjs'

const { cert, key } = await createCertificate()
const server = createServer(
  { onSubmit: (_submit, { session }) => console.log(`server: a request of session ${session.id}`) },
  { tls: { cert, key } },
)
const { port } = await server.listen({ port: 0 })

const client = await connect({ port, tls: { ca: cert, servername: 'localhost' } })
console.log(`client: result ${await client.submit(new TextEncoder().encode('secret'))}`)
await client.close()

try {
  await connect({ port, tls: { servername: 'localhost' } })
} catch (error) {
  console.log(`client: ${error instanceof ClientError ? error.code : error}`)
}

await server.close()
