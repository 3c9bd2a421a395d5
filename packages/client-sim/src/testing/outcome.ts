import { within } from '@demo/testkit/wait-for'
import type { ClientError } from '../index.ts'

/** The error that a promise rejects with. It may reject before it is awaited. */
export function rejection(promise: Promise<unknown>): Promise<ClientError> {
  const turned = promise.then(
    (value) => {
      throw new Error(`it was to reject, and gave ${String(value)}`)
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

/** Watches a promise. A rejection is handled. */
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

/** For promises that are pending at the end of a test: they reject when the connection is closed. */
export function leave(...promises: Promise<unknown>[]): void {
  for (const promise of promises) promise.catch(() => {})
}
