import { createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** Listens on a port of 127.0.0.1 until the test ends. @returns the port */
export async function takePort(): Promise<number> {
  const { port, close } = await occupy()
  onTestFinished(close)
  return port
}

/** A port of 127.0.0.1 that was free a moment ago: for a program that can't choose a port itself. */
export async function freePort(): Promise<number> {
  const { port, close } = await occupy()
  await close()
  return port
}

async function occupy(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return { port: address.port, close: () => new Promise((resolve) => server.close(() => resolve())) }
}
