import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectPeer } from '@demo/testkit/peer'
import { PROGRAM_PATIENCE } from '@demo/testkit/program'
import { waitFor, within } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { expect, onTestFinished, test } from 'vitest'
import { isAlive } from './cluster-server.ts'
import { Folder } from './folder.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** More log lines than any pipe holds. */
const CONNECTIONS = 1500
const AT_ONCE = 50

/** Starts a program that shares standard error, as a handler module may. */
const SPAWNS = `import { spawnSync } from 'node:child_process'
spawnSync('true', { stdio: 'inherit' })
export default { onSubmit() {} }`

/** The kinds of standard error that a shell (`2>`, `|`) and Node make. */
const COMMANDS = { pipe: '"$0" "$@" 2>&1 >/dev/null | cat', socket: 'exec "$0" "$@"' }

test.each([
  { how: 'socket', workers: '1' },
  { how: 'socket', workers: '2' },
  { how: 'pipe', workers: '1' },
  { how: 'pipe', workers: '2' },
] as const)(
  'a stalled reader of the log delays no client and not the end: $how, $workers worker(s)',
  async ({ how, workers }) => {
    const module = new Folder().write('spawns.mjs', SPAWNS)
    const flags = ['--port', '0', '--metrics-port', '0', '--workers', workers, '--handler', module]
    const shell = spawn('sh', ['-c', COMMANDS[how], process.execPath, MAIN, ...flags])
    onTestFinished(() => void shell.kill('SIGKILL'))
    const log = how === 'pipe' ? shell.stdout : shell.stderr
    let text = ''
    const read = (chunk: string) => {
      text += chunk
    }
    log.setEncoding('utf8').on('data', read)
    const line = () => text.split('\n').find((one) => one.includes('"listening"'))
    await waitFor(
      () => line() !== undefined,
      () => `for it to listen: ${text}`,
      PROGRAM_PATIENCE,
    )
    const { port, pid } = JSON.parse(line() ?? '') as { port: number; pid: number }
    onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
    log.off('data', read)
    log.pause()

    const visit = async () => {
      for (let left = CONNECTIONS / AT_ONCE; left > 0; left--) {
        const peer = await connectPeer({ address: '127.0.0.1', port })
        peer.send(submit(1))
        expect(await peer.receive(14)).toBe(submitAck(1))
        peer.end()
        await peer.untilClosed()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, visit))
    const exit = once(shell, 'exit')
    process.kill(pid, 'SIGTERM')
    if (how === 'socket') expect(await within(exit, 'for the end', PROGRAM_PATIENCE)).toEqual([0, null])
    await waitFor(
      () => !isAlive(pid),
      () => 'for it to be gone',
      PROGRAM_PATIENCE,
    )
  },
)
