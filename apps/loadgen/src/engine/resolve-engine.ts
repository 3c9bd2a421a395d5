import { OptionError } from '@demo/cli'
import { ClientError, type EngineChoice, type EngineName, engineFor } from '@demo/client-sim'
import type { RunOptions } from './options.ts'
import { usesTls } from './read-tls.ts'

/** The options of a run before its engine is known. */
export type UnresolvedOptions = Omit<RunOptions, 'engine'> & { readonly engine: EngineChoice }

/**
 * Finds out which engine a run uses.
 *
 * @throws OptionError if the native one is asked for and can't be used
 */
export async function resolveEngine<Options extends UnresolvedOptions>(
  options: Options,
): Promise<Omit<Options, 'engine'> & { readonly engine: EngineName }> {
  return { ...options, engine: await engineOf(options) }
}

async function engineOf(options: UnresolvedOptions): Promise<EngineName> {
  const { engine, tokenFile } = options
  if (usesTls(options) || tokenFile !== undefined) {
    if (engine !== 'native') return 'node'
    const flag = tokenFile === undefined ? 'TLS' : '--token-file'
    throw new OptionError(`--engine native and ${flag} exclude each other; use --engine auto or node`)
  }
  try {
    return await engineFor({ engine })
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    throw new OptionError(`--engine ${engine}: ${error.message}; use --engine auto or node`)
  }
}
