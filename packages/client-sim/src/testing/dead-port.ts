import { connect } from 'node:net'
import { startFakeServer } from '@demo/testkit/fake-server'
import { onTestFinished } from 'vitest'

/**
 * A port without a listener, where no process can start to listen: the client's end of a connection has it. The port of a
 * server that was just closed may be taken by another process.
 */
export async function deadPort(): Promise<number> {
  const { port } = await startFakeServer()
  const socket = connect({ host: '127.0.0.1', port })
  onTestFinished(() => {
    socket.destroy()
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket.localPort ?? 0
}
