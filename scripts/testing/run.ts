import { spawn } from 'node:child_process'

/** How a program is run. */
export interface RunOptions {
  readonly folder: string
  /** Variables on top of ours. */
  readonly environment?: NodeJS.ProcessEnv
  /** After so many milliseconds it is killed, with whatever it has started. */
  readonly timeout?: number
}

/** What came of a program. */
export interface RunResult {
  /** Null when it was killed. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end, whatever that is.
 *
 * @throws when it can't be started
 */
export function run(
  command: string,
  args: readonly string[],
  { folder, environment = {}, timeout = 25_000 }: RunOptions,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it has started can be killed with it.
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

/** Runs a program to its good end. @throws with what it printed when it came to another */
export async function runWell(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const result = await run(command, args, options)
  if (result.status === 0) return result
  const { status, stdout, stderr } = result
  throw new Error(`${command} ${args.join(' ')} in ${options.folder}: status ${status}\n${stdout}${stderr}`)
}

/** Ours without what would set a flag of our programs, or what an npm above us says to npm. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(DEMO_|VITEST|NODE_OPTIONS$|FORCE_COLOR$|npm_(lifecycle|package|command|execpath|config_(local_)?prefix))/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
