import { ExitStatus } from '@demo/cli'
import type { Logger } from 'pino'
import type { Exit, WorkerHandle } from './worker-handle.ts'

/** Logs the end of a worker: one that drained has exited, any other has died. */
export function logExit(log: Logger, { number, pid, summary }: WorkerHandle, { status, signal }: Exit): void {
  const how = signal === null ? { status } : { signal }
  if (summary === undefined) log.error({ died: number, diedPid: pid, ...how }, 'worker died')
  else log.info({ exited: number, exitedPid: pid, ...how }, 'worker exited')
}

/** Whether the end of this worker is worth a line in a drain. Not if it was killed, or had not begun to serve. */
export function isLoggedInDrain({ summary, killed }: WorkerHandle, { status }: Exit): boolean {
  return summary !== undefined || (!killed && status !== ExitStatus.ok)
}
