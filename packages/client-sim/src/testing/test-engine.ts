import { test } from 'vitest'
import type { EngineName } from '../index.ts'

/** The engine of the load connections of tests: what the variable says; without it the native one, where it is built. */
export const TEST_ENGINE: EngineName =
  process.env['TEST_ENGINE'] === 'node' || process.env['NATIVE_ENGINE'] === 'no' ? 'node' : 'native'

export const isNative = TEST_ENGINE === 'native'

/** A test that looks into a socket of Node. It is left out on the native engine, which has none. */
export const testWithSocket: typeof test = isNative ? (noTest as unknown as typeof test) : test

function noTest(): void {}
