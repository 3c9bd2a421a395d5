import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connectPeer } from '@demo/testkit/peer'
import { freePort } from '@demo/testkit/ports'
import { PROGRAM_PATIENCE, Program } from '@demo/testkit/program'
import { waitFor, within } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { isAlive } from './cluster-server.ts'
import { connectable, listening } from './demo-server.ts'
import { Folder } from './folder.ts'
import { RESUME_OUTPUT, STOP_OUTPUT, startOnTerminal } from './terminal.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const METRICS = ['--metrics-port', '0']

/** More log lines than a stopped terminal takes. */
const ENOUGH_FOR_A_TERMINAL = 150

const hasScript = existsSync('/usr/bin/script') && process.platform === 'linux'

describe.runIf(hasScript)('a terminal that stands still (Ctrl-S)', () => {
  test.each([[[]], [['--workers', '2']], [['--handler', 'chatty']]])(
    'keeps no client waiting, nor the end: %j',
    async (flags) => {
      const module = () => new Folder().write('chatty.mjs', CHATTY)
      const { terminal, pid, port } = await startOnTerminal(flags.map((flag) => (flag === 'chatty' ? module() : flag)))
      terminal.stdin?.write(STOP_OUTPUT)
      await serve(port, ENOUGH_FOR_A_TERMINAL)
      process.kill(pid, 'SIGTERM')
      await waitFor(
        () => !isAlive(pid),
        () => 'for the server to end',
        PROGRAM_PATIENCE,
      )
      await until(terminal, 0)
    },
  )

  test('shows the waiting lines when it goes on', async () => {
    const { terminal, pid, port, shown } = await startOnTerminal([])
    terminal.stdin?.write(STOP_OUTPUT)
    await serve(port, ENOUGH_FOR_A_TERMINAL)
    const before = shown().split('connection closed').length
    terminal.stdin?.write(RESUME_OUTPUT)
    await waitFor(
      () => shown().split('connection closed').length > ENOUGH_FOR_A_TERMINAL,
      () => 'for all lines',
    )
    expect(before).toBeLessThan(ENOUGH_FOR_A_TERMINAL)
    process.kill(pid, 'SIGTERM')
    await until(terminal, 0)
  })
})

describe.runIf(process.platform === 'linux')('a disk that is full', () => {
  test('keeps no client waiting, nor the end', async () => {
    const port = await freePort()
    const args = ['--port', `${port}`, ...METRICS]
    const program = new Program('sh', ['-c', 'exec "$0" "$@" 2>/dev/full', process.execPath, MAIN, ...args])
    await connectable(program, port)
    await serve(port, 20)
    program.signal('SIGTERM')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
  })

  test.each([['1'], ['2']])(
    'loses lines, and says how many when there is room again: %s worker(s)',
    async (workers) => {
      const log = new Folder().at('log')
      // Blocks of 512 or 1024 bytes, depending on the shell.
      const limited = 'ulimit -f 8 && exec "$0" "$@" 2>>"$LOG"'
      const port = await freePort()
      const args = ['--port', `${port}`, ...METRICS, '--workers', workers]
      const program = new Program('sh', ['-c', limited, process.execPath, MAIN, ...args], { environment: { LOG: log } })
      await connectable(program, port)
      await serve(port, 60)
      truncateSync(log)
      await serve(port, 5)
      await waitFor(
        () => linesOf(log).some(({ leftOut }) => Number(leftOut) > 0),
        () => 'for it to say what was left out',
      )
      program.signal('SIGTERM')
      expect(await program.exit()).toEqual({ status: 0, signal: null })
      expect(linesOf(log).at(-1)).toMatchObject({ msg: 'stopped' })
    },
  )
})

describe('a warning of Node', () => {
  test('is a line of the log like any other', async () => {
    const module = new Folder().write('warns.mjs', 'process.emitWarning("mind")\nexport default { onSubmit() {} }')
    const server = await listening(
      new Program(process.execPath, [MAIN, '--port', '0', ...METRICS, '--handler', module]),
    )
    const [line] = await server.untilLogged('process warning')
    expect(line).toMatchObject({ level: 40, warning: 'Warning', error: 'mind' })
  })
})

/** Writes to the terminal itself, and starts other processes that do the same. */
const CHATTY = `import { spawnSync } from 'node:child_process'
spawnSync('true', { stdio: 'inherit' })
export default { onSubmit() {} }`

async function until(terminal: ChildProcess, status: number): Promise<void> {
  if (terminal.exitCode === null) await within(once(terminal, 'exit'), 'for the terminal to close', PROGRAM_PATIENCE)
  expect(terminal.exitCode).toBe(status)
}

/** Makes this many connections, one after the other, each with an answered request. */
async function serve(port: number, connections: number): Promise<void> {
  for (let i = 0; i < connections; i++) {
    const peer = await connectPeer({ address: '127.0.0.1', port })
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
    peer.end()
    await peer.untilClosed()
  }
}

function linesOf(log: string): Record<string, unknown>[] {
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>]
    } catch {
      return []
    }
  })
}
