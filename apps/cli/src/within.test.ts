import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { within } from './index.ts'

const never = new Promise<never>(() => {})

test('gives the value of work that is done in time', async () => {
  expect(await within(60_000, sleep(1, 'done'))).toBe('done')
})

test('rejects as the work does', async () => {
  await expect(within(60_000, Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('is undefined when the time is up', async () => {
  expect(await within(1, never)).toBeUndefined()
  expect(await within(1, undefined)).toBeUndefined()
})

test('ends at once when the signal aborts, also where it had aborted before', async () => {
  const ending = new AbortController()
  const waiting = within(60_000, never, ending.signal)
  ending.abort()
  expect(await waiting).toBeUndefined()
  expect(await within(60_000, never, ending.signal)).toBeUndefined()
})

test('a time longer than a timer can wait is not over at once', async () => {
  const work = sleep(20, 'done')
  expect(await within(Number.POSITIVE_INFINITY, work)).toBe('done')
})

test('ignores work that fails after the time is up', async () => {
  let fail = (_: Error) => {}
  const work = new Promise<never>((_, reject) => {
    fail = reject
  })
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  expect(await within(1, work)).toBeUndefined()
  fail(new Error('too late'))
  await sleep(5)
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})
