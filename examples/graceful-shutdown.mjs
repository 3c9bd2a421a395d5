// A server with slow handlers. On SIGTERM it answers every request that it has received, then it ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from '@demo/server'

const server = createServer({
  async onSubmit(submit, { signal }) {
    console.log(`working on ${submit.id}`)
    // The signal aborts if the connection is lost or the deadline of the drain comes first.
    await sleep(500, undefined, { signal })
  },
})

const { port } = await server.listen({ port: Number(process.env['PORT'] ?? 8888) })
console.log(`listening on ${port}`)

process.once('SIGTERM', async () => {
  console.log('draining')
  const { connections, cutOff, unanswered } = await server.close({ timeout: 10_000 })
  console.log(`stopped: ${connections} connections, ${cutOff} cut off, ${unanswered} requests unanswered`)
  process.exitCode = cutOff === 0 ? 0 : 4
})
