import type { Engine } from '@demo/engine'
import { ClientError } from '../common/client-error.ts'

/** What moves the bytes of a connection: the addon of `@demo/engine`, or a socket of Node. */
export type EngineName = 'native' | 'node'

/** What the option `engine` may be. */
export const ENGINES = ['auto', 'native', 'node'] as const

export type EngineChoice = (typeof ENGINES)[number]

/** Loading is tried once in a thread, and not again for each connection. */
let loading: Promise<Engine> | undefined

/**
 * The native engine of this thread.
 *
 * @throws ClientError `ERR_CLIENT_ENGINE` where it is not installed, or can't be loaded
 */
export function nativeEngine(): Promise<Engine> {
  loading ??= load()
  return loading
}

async function load(): Promise<Engine> {
  try {
    const { loadEngine } = await import('@demo/engine')
    return loadEngine()
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    // The engine's own error says which engine it is.
    const reason = code === 'ERR_ENGINE_UNAVAILABLE' ? message : `the native engine can't be loaded: ${message}`
    throw new ClientError('ERR_CLIENT_ENGINE', reason, { cause: error })
  }
}
