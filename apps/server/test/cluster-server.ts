import { type DemoServer, type LogLine, startDemoServer } from './demo-server.ts'
import type { ProgramOptions } from './program.ts'

/** `demo-server` with workers, on free ports, once all of them listen. */
export function startWorkers(count: number, flags: readonly string[] = [], options?: ProgramOptions) {
  return startDemoServer(['--workers', `${count}`, '--log-level', 'debug', ...flags], options)
}

/** The process of each worker that has ever listened, by its number, in the order of their births. */
export function pidsOf(server: DemoServer, worker: number): number[] {
  return server
    .logged('worker listening')
    .filter((line) => line['worker'] === worker)
    .map(({ pid }) => Number(pid))
}

/** Kills a worker with -9, and gives its process. */
export function killWorker(server: DemoServer, worker: number): number {
  const pid = pidsOf(server, worker).at(-1)
  if (pid === undefined) throw new Error(`no worker ${worker} ever listened`)
  process.kill(pid, 'SIGKILL')
  return pid
}

/** How many of these lines each worker wrote. */
export function countByWorker(lines: readonly LogLine[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const line of lines) {
    const worker = Number(line['worker'])
    counts[worker] = (counts[worker] ?? 0) + 1
  }
  return counts
}

/** Whether there is a process with this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
