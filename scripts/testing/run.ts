import { spawn } from 'node:child_process'
import { inheritedEnvironment } from '@demo/testkit/environment'

/** Options of a program. */
export interface RunOptions {
  readonly folder: string
  /** Variables on top of {@link inheritedEnvironment}. */
  readonly environment?: NodeJS.ProcessEnv
  /** After so many milliseconds it is killed, with all processes that it has started. */
  readonly timeout?: number
}

/** How a program ended, and what it printed. */
export interface RunResult {
  /** Null when it was killed. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end.
 *
 * @throws when it does not start
 */
export function run(
  command: string,
  args: readonly string[],
  { folder, environment = {}, timeout = 25_000 }: RunOptions,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that the processes it has started are killed with it.
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...inheritedEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const killAll = () => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // All of them have ended.
      }
    }
    const timer = setTimeout(killAll, timeout)
    process.once('exit', killAll)
    const settle = () => {
      clearTimeout(timer)
      process.off('exit', killAll)
      killAll()
    }
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    child.once('close', (status) => {
      settle()
      resolve({ status, stdout, stderr })
    })
  })
}

/** Runs a program, which must succeed. @throws with what it printed when its status is not 0 */
export async function runWell(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const result = await run(command, args, options)
  if (result.status === 0) return result
  const { status, stdout, stderr } = result
  throw new Error(`${command} ${args.join(' ')} in ${options.folder}: status ${status}\n${stdout}${stderr}`)
}
