// Handlers that burn CPU run in two worker threads, so the event loop stays free for other requests.
import { connect } from '@demo/client-sim'
import { createServer } from '@demo/server'
import { inThreads } from '@demo/server/threads'

const inThread = await inThreads(new URL('./threads-handler.mjs', import.meta.url), { threads: 2 })
const server = createServer({ onSubmit: inThread })
const { port } = await server.listen({ port: 0 })

const client = await connect({ port })
const numbers = [1_000_003, 1_000_004, 1_000_033]
const results = await Promise.all(numbers.map((n) => client.submit(new TextEncoder().encode(String(n)))))
for (const [i, result] of results.entries()) console.log(`${numbers[i]}: ${result === 0 ? 'prime' : 'not prime'}`)

await client.close()
await server.close()
await inThread.close()
