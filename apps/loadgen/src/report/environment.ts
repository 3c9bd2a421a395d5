import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'
import manifest from '../../package.json' with { type: 'json' }

/** The machine and the versions of a run. */
export type Environment = ReturnType<typeof describeEnvironment>

export function describeEnvironment() {
  return {
    loadgen: manifest.version,
    node: process.version,
    v8: process.versions.v8,
    platform: platform() as string,
    arch: arch() as string,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  }
}
