import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { connectPeer } from '../../../packages/server/src/testing/peer.ts'
import { within } from '../../../packages/server/src/testing/wait-for.ts'
import { submit, submitAck } from '../../../packages/server/src/testing/wire.ts'
import { PROGRAM_PATIENCE } from './program.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** More lines of the log than any pipe holds. */
const CONNECTIONS = 1500

test('whoever reads the log and stands still keeps no client waiting, nor the end', async () => {
  const child = spawn(process.execPath, [MAIN, '--port', '0', '--metrics-port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await within(once(child.stderr.setEncoding('utf8'), 'data'), 'for a line of the log')) as [string]
  const { port } = JSON.parse(line) as { port: number }
  child.stderr.pause()

  for (let left = CONNECTIONS; left > 0; left--) {
    const peer = await connectPeer({ address: '127.0.0.1', port })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
    await peer.untilClosed()
  }
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await within(exit, 'for the end', PROGRAM_PATIENCE)).toEqual([0, null])
})
