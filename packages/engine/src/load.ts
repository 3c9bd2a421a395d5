import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Binding } from './binding.ts'
import { Engine } from './engine.ts'

/** The engine can't be used here. The message says why. */
export class EngineUnavailableError extends Error {
  override readonly name = 'EngineUnavailableError'
  readonly code = 'ERR_ENGINE_UNAVAILABLE'
}

let engine: Engine | undefined
let failure: EngineUnavailableError | undefined

/**
 * The engine of this thread: the same one at each call.
 *
 * @throws EngineUnavailableError where it can't be loaded: on another system than Linux, on a processor without a
 *   prebuilt binary, or where the system refuses
 */
export function loadEngine(): Engine {
  if (failure !== undefined) throw failure
  try {
    engine ??= new Engine(loadBinding())
    return engine
  } catch (error) {
    failure = new EngineUnavailableError(reasonOf(error), { cause: error })
    throw failure
  }
}

function loadBinding(): Binding {
  if (process.platform !== 'linux') throw new Error(`the system is ${process.platform}: expected linux`)
  const require = createRequire(import.meta.url)
  const load = require('node-gyp-build') as (folder: string) => Binding
  return load(join(dirname(fileURLToPath(import.meta.url)), '..'))
}

/** node-gyp-build says where it looked, over several lines. */
function reasonOf(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return `the native engine can't be loaded: ${first}`
}
