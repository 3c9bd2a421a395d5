import { within } from '@demo/testkit/wait-for'
import type { ClientError } from '../index.ts'

/** The error of a promise that must reject. It may reject before the test awaits it. */
export function rejection(promise: Promise<unknown>): Promise<ClientError> {
  const turned = promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${String(value)}`)
    },
    (error: unknown) => error as ClientError,
  )
  const inTime = within(turned, 'for a rejection')
  inTime.catch(() => {})
  return inTime
}

/** A promise and its state, for a test that asserts that it has not settled. */
export interface Watched<Value> {
  readonly promise: Promise<Value>
  readonly state: 'pending' | 'fulfilled' | 'rejected'
}

/** Watches a promise. One that rejects without being awaited is no unhandled rejection. */
export function watch<Value>(promise: Promise<Value>): Watched<Value> {
  let state: Watched<Value>['state'] = 'pending'
  promise.then(
    () => {
      state = 'fulfilled'
    },
    () => {
      state = 'rejected'
    },
  )
  return {
    promise,
    get state() {
      return state
    },
  }
}

/** For promises that are pending when the test ends: they reject when the connection is closed, and that is expected. */
export function leave(...promises: Promise<unknown>[]): void {
  for (const promise of promises) promise.catch(() => {})
}
