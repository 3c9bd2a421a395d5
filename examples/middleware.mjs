// Two middlewares around a router: one logs each result, the other answers what is no command.
import { connect } from '@demo/client-sim'
import { compose, createServer, router } from '@demo/server'

const textOf = (submit) => new TextDecoder().decode(submit.payload)

/** Calls the next handler, then prints its result. */
async function log(submit, context, next) {
  const result = await next()
  console.log(
    `server: ${textOf(submit)}, result ${result ?? 0}, answered in time: ${performance.now() < context.deadline}`,
  )
  return result
}

/** Answers 1 without a call of next(): the handler does not see the request. */
function requireCommand(submit, _context, next) {
  return textOf(submit).includes(' ') ? next() : 1
}

const commands = router(
  {
    add: () => 0,
    remove: () => 1,
  },
  { key: (submit) => textOf(submit).split(' ', 1)[0] },
)

const server = createServer({
  onSubmit: compose(log, requireCommand, commands),
  onError: (error) => console.log(`server: ${error.code}`),
})
const { port } = await server.listen({ port: 0 })

const client = await connect({ port })
for (const text of ['add apple', 'remove apple', 'apple', 'eat apple']) {
  console.log(`client: ${text}, result ${await client.submit(new TextEncoder().encode(text))}`)
}
await client.close()
await server.close()
