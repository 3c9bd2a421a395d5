// A server that prints what it receives. An answer of this protocol is one byte: 0 is success, 1 is failure.
import { createServer } from '@demo/server'

const server = createServer({
  onSubmit(submit, { session }) {
    const text = new TextDecoder().decode(submit.payload)
    console.log(`session ${session.id}: ${submit.id} ${text}`)
    return text === '' ? 1 : 0
  },
})

const { port } = await server.listen({ port: Number(process.env['PORT'] ?? 8888) })
console.log(`listening on ${port}`)
process.once('SIGINT', () => server.close())
process.once('SIGTERM', () => server.close())
