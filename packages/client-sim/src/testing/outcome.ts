import { within } from '@demo/testkit/wait-for'
import type { ClientError } from '../index.ts'

/** What a promise is to reject with. It may reject while nobody awaits it yet. */
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

/** A promise and how it stands, for a test that asserts that it has not settled. */
export interface Watched<Value> {
  readonly promise: Promise<Value>
  readonly state: 'pending' | 'fulfilled' | 'rejected'
}

/** Watches a promise that may come to nothing, whether anybody awaits it or not. */
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

/** For what is left pending when its test ends: the connection goes then, and that is nobody's surprise. */
export function leave(...promises: Promise<unknown>[]): void {
  for (const promise of promises) promise.catch(() => {})
}
