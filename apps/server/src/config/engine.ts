import { ExitError, ExitStatus } from '@demo/cli'
import { EngineError, type EngineName, engineFor } from '@demo/server'
import type { Config } from './flags.ts'

/** Which engine a server will use. */
export interface EngineInUse {
  readonly name: EngineName
  /** Why it is not the native one. */
  readonly why?: string
}

/**
 * Which engine the server of a configuration will use.
 *
 * @param from names the source of a setting
 * @throws ExitError with status 2 when `--engine native` can't be used
 */
export async function engineInUse(config: Config, from: (name: string) => string): Promise<EngineInUse> {
  const { engine, tlsCert } = config
  if (engine === 'native' && tlsCert !== undefined) {
    throw unusable(`${from('engine')} native: the native engine has no TLS; expected auto or node with --tls-cert`)
  }
  if (engine === 'node') return { name: 'node', why: `${from('engine')} is node` }
  if (tlsCert !== undefined) return { name: 'node', why: 'the native engine has no TLS' }
  try {
    return { name: await engineFor('native') }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const [why = ''] = error.message.split('\n')
    if (engine === 'native') throw unusable(`${from('engine')} native: ${why}; expected auto or node`)
    return { name: 'node', why }
  }
}

function unusable(message: string): ExitError {
  return new ExitError(ExitStatus.usage, message)
}
