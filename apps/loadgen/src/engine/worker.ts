/** Runs in a worker thread: the other side of a `RemoteLoadWorker`. */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '@demo/cli'
import { ClientError } from '@demo/client-sim'
import { systemCodeOf } from './explain-error.ts'
import type { WorkerPlan } from './load-worker.ts'
import { LocalLoadWorker } from './local-load-worker.ts'
import type { Call, FromThread, ThrownInThread } from './remote-load-worker.ts'

const port = parentPort
if (port === null) throw new Error('worker.js runs only in a worker thread of demo-loadgen')

const send = (message: FromThread) => port.postMessage(message)
const load = new LocalLoadWorker(workerData as WorkerPlan, (sample) => send({ sample }))

port.on('message', async ({ id, method, args }: Call) => {
  try {
    const call = load[method] as (...args: unknown[]) => Promise<unknown>
    send({ id, value: await call.apply(load, [...args]) })
  } catch (error) {
    send({ id, error: toThrownInThread(error) })
  }
})

/** A message port keeps neither the class nor the code of an error. */
function toThrownInThread(error: unknown): ThrownInThread {
  const message = messageOf(error)
  if (error instanceof ClientError) {
    return { kind: 'client', message, code: error.code, dialect: error.dialect, systemCode: systemCodeOf(error) }
  }
  return { kind: 'other', message, stack: error instanceof Error ? error.stack : undefined }
}
