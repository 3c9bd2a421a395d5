#!/usr/bin/env node
import cluster from 'node:cluster'
import { ExitError, ExitStatus, runProgram } from '@demo/cli'
import { serveWithWorkers } from './cluster/primary.ts'
import { readTask } from './config/config.ts'
import type { Config } from './config/flags.ts'
import { loadHandlers } from './handlers/handler-module.ts'
import { createLog, withLog } from './logging/log.ts'
import { SecretFiles } from './secrets/secret-files.ts'
import { createService } from './serving/service.ts'
import { serveInSingleProcess } from './serving/single-process.ts'

await runProgram('demo-server', () =>
  withLog(async () => {
    const { what, config } = await readTask(process.argv)
    if (what === 'check') return check(config)
    if (config.workers === 1) return serveInSingleProcess(config)
    if (!cluster.isWorker) return serveWithWorkers(config)
    throw new ExitError(
      ExitStatus.usage,
      `--workers ${config.workers}: a process manager started this process as a worker of node:cluster; use its fork mode, or --workers 1`,
    )
  }),
)

async function check(config: Config): Promise<number> {
  const log = createLog(config)
  const { secrets } = new SecretFiles(config, log)
  const users = await loadHandlers(config, log, new Promise(() => {}))
  if (users !== undefined) createService(config, users, secrets, log)
  process.stdout.write('the configuration is fine\n')
  return ExitStatus.ok
}
