import type { EngineName } from '../index.ts'

/** The engine of the load connections of tests: what the variable says; without it the native one, which needs Linux. */
export const TEST_ENGINE: EngineName =
  process.env['TEST_ENGINE'] === 'node' || process.platform !== 'linux' ? 'node' : 'native'

export const isNative = TEST_ENGINE === 'native'
