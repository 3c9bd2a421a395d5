#!/usr/bin/env node
import { ExitStatus, runProgram } from '@demo/cli'
import { serveAlone } from './alone.ts'
import { serveWithWorkers } from './cluster/primary.ts'
import { handedOver, serveAsWorker } from './cluster/worker.ts'
import { readTask } from './config.ts'
import { loadHandlers } from './handler-module.ts'
import { createLog } from './log.ts'
import { SecretFiles } from './secrets.ts'
import { createService } from './service.ts'

await runProgram('demo-server', async () => {
  const work = handedOver()
  if (work !== undefined) return serveAsWorker(work)
  const { what, config } = await readTask(process.argv)
  if (what === 'check') {
    const log = createLog(config)
    const { secrets } = new SecretFiles(config, log)
    createService(config, await loadHandlers(config, log), secrets, log)
    process.stdout.write('the configuration is fine\n')
    return ExitStatus.ok
  }
  return config.workers === 1 ? serveAlone(config) : serveWithWorkers(config)
})
