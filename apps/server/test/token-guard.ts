import { createHash } from 'node:crypto'
import { conn, connAck } from '@demo/testkit/wire'
import { expect } from 'vitest'
import { type DemoServer, startDemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'

/** A text as the payload of a packet. */
export const hex = (text: string) => Buffer.from(text).toString('hex')

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A server with a tokens file of this text. */
export function guarded(text: string, flags: readonly string[] = []): Promise<DemoServer> {
  return startDemoServer(['--auth-tokens-file', new Folder().write('tokens', text), ...flags])
}

/** Whether a Conn with this token is answered with 0. */
export async function letsIn(server: DemoServer, token: string): Promise<boolean> {
  const peer = await server.connect()
  peer.send(conn(1, hex(token)))
  const answer = await peer.receive(14)
  peer.end()
  await peer.untilClosed()
  expect([connAck(1, 0), connAck(1, 1)]).toContain(answer)
  return answer === connAck(1, 0)
}
