// A client that sends each of its arguments and prints the result. All requests are in flight at the same time.
import { connect } from '@demo/client-sim'

const texts = process.argv.slice(2)
const client = await connect({ port: Number(process.env['PORT'] ?? 8888) })

const results = await Promise.all(texts.map((text) => client.submit(new TextEncoder().encode(text))))
for (const [i, result] of results.entries()) console.log(`${texts[i]}: ${result}`)

await client.close()
