import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { PROGRAM_PATIENCE } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { onTestFinished } from 'vitest'
import { isAlive } from './cluster-server.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** The characters of Ctrl-S and Ctrl-Q: the terminal stops, and goes on. */
export const STOP_OUTPUT = '\x13'
export const RESUME_OUTPUT = '\x11'

export interface OnTerminal {
  readonly terminal: ChildProcess
  /** The process ID of the server. */
  readonly pid: number
  readonly port: number
  shown(): string
}

/** Starts the server on its own terminal. */
export async function startOnTerminal(flags: readonly string[]): Promise<OnTerminal> {
  const words = [process.execPath, MAIN, '--port', '0', '--metrics-port', '0', ...flags]
  const command = `exec ${words.map((word) => `'${word}'`).join(' ')}`
  const terminal = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'])
  let shown = ''
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
  })
  let pid = 0
  onTestFinished(() => {
    if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
    terminal.kill('SIGKILL')
  })
  const line = () => shown.split('\n').find((text) => text.includes('"listening"'))
  await waitFor(
    () => line() !== undefined,
    () => `for a server on a terminal: ${shown}`,
    PROGRAM_PATIENCE,
  )
  const facts = JSON.parse(line() ?? '') as { pid: number; port: number }
  pid = facts.pid
  return { terminal, ...facts, shown: () => shown }
}
