import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@demo/testkit/ports'
import { Program } from '@demo/testkit/program'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { PATIENCE } from '@demo/testkit/wait-for'
import { infra, readText } from './repository.ts'

/** The configuration file of the repository. */
export const configFile = infra('haproxy/haproxy.cfg')

const POLL_INTERVAL = 20

/** The address of a server for HAProxy. */
export interface Backend {
  readonly port: number
  readonly metricsPort: number
}

/** A running HAProxy. */
export interface HaProxy {
  readonly program: Program
  /** Where clients connect. */
  readonly port: number
  /** The state of a server on the statistics page: `UP`, `DOWN`, `DOWN 1/2`, … */
  state(server: 'a' | 'b'): Promise<string>
}

/**
 * Runs HAProxy with the configuration file of the repository. Addresses and settings that need root are replaced.
 *
 * @param version of the PROXY protocol
 */
export async function startHaProxy([a, b]: readonly [Backend, Backend], version: 'v1' | 'v2'): Promise<HaProxy> {
  const directory = temporaryFolder()
  const port = await freePort()
  const statsPort = await freePort()
  const config = rewrite(readText(configFile), [
    [/^ {2}(user|group|chroot|log \/dev\/log|stats socket) .*\n/gm, ''],
    // With a lower limit of file descriptors HAProxy would not start.
    ['maxconn 20000', 'maxconn 200'],
    ['bind :8888', `bind 127.0.0.1:${port}`],
    ['bind 127.0.0.1:8404', `bind 127.0.0.1:${statsPort}`],
    ['server a 192.0.2.11:8888 check port 8889', `server a 127.0.0.1:${a.port} check port ${a.metricsPort}`],
    ['server b 192.0.2.12:8888 check port 8889', `server b 127.0.0.1:${b.port} check port ${b.metricsPort}`],
    [' send-proxy-v2 ', version === 'v2' ? ' send-proxy-v2 ' : ' send-proxy '],
  ])
  const file = join(directory, 'haproxy.cfg')
  writeFileSync(file, config)
  const program = new Program('haproxy', ['-db', '-f', file])
  const stats = () => fetch(`http://127.0.0.1:${statsPort}/stats;csv`)
  await untilItAnswers(stats, program)
  return {
    program,
    port,
    async state(server) {
      const [head = '', ...lines] = (await (await stats()).text()).split('\n')
      const line = lines.find((text) => text.startsWith(`demo-servers,${server},`))
      return line?.split(',')[head.split(',').indexOf('status')] ?? 'unknown'
    },
  }
}

async function untilItAnswers(ask: () => Promise<Response>, program: Program): Promise<void> {
  const deadline = performance.now() + PATIENCE
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer?.ok) return
    if (!program.running || performance.now() > deadline) throw new Error(`HAProxy did not start\n${program.stderr}`)
    await sleep(POLL_INTERVAL)
  }
}

/** Replaces each pattern. A missing one is an error, so that the file itself stays what is tested. */
function rewrite(text: string, replacements: readonly (readonly [string | RegExp, string])[]): string {
  let result = text
  for (const [pattern, replacement] of replacements) {
    if (result.search(pattern) < 0) throw new Error(`${configFile} has no ${pattern}`)
    result = result.replace(pattern, replacement)
  }
  return result
}
