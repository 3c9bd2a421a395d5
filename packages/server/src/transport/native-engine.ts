import type { Engine } from '@demo/engine'

/** What moves the bytes of a server's sockets. */
export type EngineName = 'native' | 'node'

/** What the option `engine` may be. */
export const ENGINES = ['auto', 'native', 'node'] as const

export type EngineChoice = (typeof ENGINES)[number]

/** The native engine was asked for, and can't be used. The message says why. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code = 'ERR_ENGINE_UNAVAILABLE'
}

/**
 * The native engine of this thread.
 *
 * @throws EngineError where it is not installed, or can't be loaded
 */
export async function nativeEngine(): Promise<Engine> {
  try {
    const { loadEngine } = await import('@demo/engine')
    return loadEngine()
  } catch (error) {
    // The errors of the package itself begin with what failed.
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ERR_ENGINE_UNAVAILABLE' ? message : `the native engine can't be loaded: ${message}`
    throw new EngineError(why, { cause: error })
  }
}

/**
 * Which engine a server will use that has no TLS.
 *
 * @param wanted the option `engine`
 * @throws EngineError when `native` is wanted and can't be used
 */
export async function engineFor(wanted: EngineChoice): Promise<EngineName> {
  if (wanted === 'node') return 'node'
  try {
    await nativeEngine()
    return 'native'
  } catch (error) {
    if (wanted === 'native') throw error
    return 'node'
  }
}
