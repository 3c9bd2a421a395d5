import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'

/** The machine, in one line. */
export function describeMachine(): string {
  const processors = cpus()
  const [{ model } = { model: 'unknown processor' }] = processors
  const memory = `${(totalmem() / 1024 ** 3).toFixed(0)} GiB`
  return `${processors.length} × ${model.trim()}, ${memory}, ${type()} ${release()}, Node ${process.versions.node}`
}

/** The versions of the other programs that are installed. */
export function describeTools(): string[] {
  return [
    firstLine('cc', ['--version']),
    firstLine('go', ['version'])?.replace('go version ', ''),
    firstLine('redis-server', ['--version'])?.replace(/^Redis server v=(\S+).*/, 'Redis $1'),
  ].filter((line) => line !== undefined)
}

function firstLine(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0]
  } catch {
    return undefined
  }
}
