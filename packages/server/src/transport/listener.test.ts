import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { submit, submitAck } from '@demo/testkit/wire'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type Server } from '../index.ts'
import { connectPeer } from '../testing/peer.ts'

async function listenOn(path: string): Promise<Server> {
  const server = createServer({ onSubmit: () => 0 })
  onTestFinished(async () => {
    await server.close({ timeout: 1 })
  })
  await server.listen({ path })
  return server
}

test('removes its own socket at its end', async () => {
  const path = join(temporaryFolder(), 'socket')
  const server = await listenOn(path)
  expect(existsSync(path)).toBe(true)
  await server.close()
  expect(existsSync(path)).toBe(false)
})

test('leaves the socket of the server that took its place', async () => {
  const where = temporaryFolder()
  const path = join(where, 'socket')
  const before = await listenOn(path)
  rmSync(path)
  const after = await listenOn(path)
  await before.close()
  const peer = await connectPeer({ path })
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  expect(after.sessions.size).toBe(1)
  expect(readdirSync(where)).toEqual(['socket'])
  peer.end()
  await after.close()
  expect(readdirSync(where)).toEqual([])
})

test('leaves any other file that took its place', async () => {
  const path = join(temporaryFolder(), 'socket')
  const server = await listenOn(path)
  rmSync(path)
  writeFileSync(path, 'precious')
  await server.close()
  expect(readFileSync(path, 'utf8')).toBe('precious')
})

test('ends as well when its socket is gone', async () => {
  const path = join(temporaryFolder(), 'socket')
  const server = await listenOn(path)
  rmSync(path)
  await server.close()
  expect(existsSync(path)).toBe(false)
})
