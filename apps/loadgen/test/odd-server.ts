import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

const HEADER_LENGTH = 4
const ID_OFFSET = 5
const ID_LENGTH = 8

/** Starts a TCP server that does to each connection whatever the test wants. @returns its port */
export async function startOddServer(
  treat: (socket: Socket) => void,
  { allowHalfOpen = false }: { allowHalfOpen?: boolean } = {},
): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    treat(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}

/**
 * Cuts the frames of the requests by hand, and answers each with whatever bytes the test wants.
 *
 * @param answer makes hex of the ID of a request, which is hex too, and its number on the connection, from 1
 */
export function answering(answer: (id: string, number: number) => string): (socket: Socket) => void {
  return (socket) => {
    let left = Buffer.alloc(0)
    let number = 0
    socket.on('data', (chunk) => {
      left = Buffer.concat([left, chunk])
      let answers = ''
      while (left.length >= HEADER_LENGTH && left.length >= left.readUInt32BE(0)) {
        number += 1
        answers += answer(left.toString('hex', ID_OFFSET, ID_OFFSET + ID_LENGTH), number)
        left = left.subarray(left.readUInt32BE(0))
      }
      if (socket.writable) socket.write(Buffer.from(answers, 'hex'))
    })
  }
}
