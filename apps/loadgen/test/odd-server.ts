import type { Socket } from 'node:net'
import { startFakeServer } from '@demo/testkit/fake-server'
import { watchFrames } from '@demo/testkit/watch-frames'

const ID_OFFSET = 5
const ID_LENGTH = 8

/** Starts a TCP server that calls `treat` for each connection. @returns its port */
export async function startOddServer(
  treat: (socket: Socket) => void,
  { allowHalfOpen = false }: { allowHalfOpen?: boolean } = {},
): Promise<number> {
  const { port } = await startFakeServer({
    reads: false,
    holdsOn: allowHalfOpen,
    onAccept: ({ socket }) => treat(socket),
  })
  return port
}

/**
 * Answers each request with the bytes of `answer`, all answers to one chunk in one write.
 *
 * @param answer makes hex of the ID of a request, which is hex too, and its number on the connection, from 1
 */
export function answering(answer: (id: string, number: number) => string): (socket: Socket) => void {
  return (socket) => {
    let number = 0
    watchFrames(socket, (frames) => {
      let answers = ''
      for (const frame of frames) {
        number += 1
        answers += answer(frame.toString('hex', ID_OFFSET, ID_OFFSET + ID_LENGTH), number)
      }
      if (socket.writable) socket.write(Buffer.from(answers, 'hex'))
    })
  }
}
