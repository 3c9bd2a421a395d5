#!/usr/bin/env node
import cluster from 'node:cluster'
import { ExitError, ExitStatus, runProgram } from '@demo/cli'
import { serveAlone } from './alone.ts'
import { serveWithWorkers } from './cluster/primary.ts'
import { readTask } from './config.ts'
import type { Config } from './flags.ts'
import { loadHandlers } from './handler-module.ts'
import { createLog, withLog } from './log.ts'
import { SecretFiles } from './secrets.ts'
import { createService } from './service.ts'

await runProgram('demo-server', () =>
  withLog(async () => {
    const { what, config } = await readTask(process.argv)
    if (what === 'check') return check(config)
    if (config.workers === 1) return serveAlone(config)
    if (!cluster.isWorker) return serveWithWorkers(config)
    throw new ExitError(
      ExitStatus.usage,
      `--workers ${config.workers}: this process is itself a worker of node:cluster, as a process manager in cluster mode starts it; have it started in fork mode, or use --workers 1`,
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
