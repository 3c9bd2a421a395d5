import { runProgram } from '@demo/cli'
import { serveAsWorker } from './cluster/worker.ts'
import { withLog } from './logging/log.ts'

await runProgram('demo-server', () => withLog(serveAsWorker))
