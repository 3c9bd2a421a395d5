/** The other side of a RemoteLoadWorker: makes a share of the load in a worker thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { ClientError } from '@demo/client-sim'
import type { WorkerPlan } from './load-worker.ts'
import { LocalLoadWorker } from './local-load-worker.ts'
import type { Call, FromThread, ThrownInThread } from './remote-load-worker.ts'

const port = parentPort
if (port === null) throw new Error('this is no program: demo-loadgen starts it in a thread')

const tell = (message: FromThread) => port.postMessage(message)
const load = new LocalLoadWorker(workerData as WorkerPlan, (sample) => tell({ sample }))

port.on('message', async ({ id, method, args }: Call) => {
  try {
    const call = load[method] as (...args: unknown[]) => Promise<unknown>
    tell({ id, value: await call.apply(load, [...args]) })
  } catch (error) {
    tell({ id, error: asPlain(error) })
  }
})

/** What an error is on its way through a port, which keeps neither its class nor its code. */
function asPlain(error: unknown): ThrownInThread {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ClientError) return { kind: 'client', message, code: error.code, dialect: error.dialect }
  return { kind: 'other', message, stack: error instanceof Error ? error.stack : undefined }
}
