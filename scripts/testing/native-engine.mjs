// Tries the packages as a user gets them, on the native engine: `node native-engine.mjs`, in a folder where they are installed.

import { connect } from '@demo/client-sim'
import { createServer } from '@demo/server'

const REQUESTS = 1000
let handled = 0
const server = createServer(
  {
    onSubmit(submit) {
      handled += submit.payload.length
      return submit.payload[0] === 1 ? 0 : 1
    },
  },
  { engine: 'native' },
)
// Rejects where the engine can't be used.
const { port } = await server.listen({ port: 0 })
const client = await connect({ port, window: 100 })
const results = await Promise.all(Array.from({ length: REQUESTS }, (_, i) => client.submit(Uint8Array.of(i % 2))))
await client.close()
await server.close()
if (handled !== REQUESTS) throw new Error(`${handled} of ${REQUESTS} requests were handled`)
results.forEach((result, i) => {
  if (result !== 1 - (i % 2)) throw new Error(`request ${i} was answered with ${result}`)
})
console.log(`${REQUESTS} requests on the native engine`)
