import type { Engine } from '@demo/engine'
import type { BytesLike } from '@demo/packet'
import { invalidOption } from '../common/check-options.ts'
import type { ClientTls } from '../connection/client-tls.ts'
import { ENGINES, type EngineChoice, type EngineName, nativeEngine } from '../connection/native-engine.ts'

/** The options that an engine is chosen by. */
export interface EngineOptions {
  readonly engine?: EngineChoice | undefined
  readonly tls?: ClientTls | undefined
  readonly credentials?: string | BytesLike | undefined
}

/**
 * Which engine `openLoadConnection` uses with some options, in this thread.
 *
 * @throws ClientError `ERR_CLIENT_ENGINE` when `native` is asked for and can't be used
 * @throws RangeError when the engine is invalid, or `native` is asked for with TLS or credentials
 */
export async function engineFor(options: EngineOptions): Promise<EngineName> {
  return (await chooseEngine(options)) === undefined ? 'node' : 'native'
}

/** The native engine; undefined where a socket of Node is used. @throws as {@link engineFor} */
export async function chooseEngine({ engine = 'auto', tls, credentials }: EngineOptions): Promise<Engine | undefined> {
  if (!ENGINES.includes(engine)) throw invalidOption('engine', engine, ENGINES.join(', '))
  if (engine === 'node') return undefined
  const plain = tls === undefined && credentials === undefined
  if (engine === 'native') {
    if (plain) return nativeEngine()
    throw invalidOption('engine', engine, 'auto or node with TLS or credentials')
  }
  return plain ? nativeEngine().catch(() => undefined) : undefined
}
