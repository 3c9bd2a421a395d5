import { expect, test, vi } from 'vitest'
import { waitFor, within } from './wait-for.ts'

test('waits until the condition holds', async () => {
  let asked = 0
  await waitFor(
    () => ++asked > 3,
    () => 'for the fourth time',
  )
  expect(asked).toBe(4)
})

test('fails with what it waited for', async () => {
  const waiting = waitFor(
    () => false,
    () => 'for nothing',
    5,
  )
  await expect(waiting).rejects.toThrow('waited 5 ms in vain: for nothing')
})

test('passes on what a promise settles with, and fails when it does not settle', async () => {
  await expect(within(Promise.resolve(7), 'for seven')).resolves.toBe(7)
  await expect(within(Promise.reject(new Error('broken')), 'for seven')).rejects.toThrow('broken')
  await expect(within(new Promise(() => {}), 'for nothing', 5)).rejects.toThrow('waited 5 ms in vain: for nothing')
})

test('waits in real time when the timers are faked', async () => {
  vi.useFakeTimers()
  try {
    await expect(within(new Promise(() => {}), 'for nothing', 5)).rejects.toThrow('waited 5 ms in vain')
    await waitFor(
      () => true,
      () => 'for nothing',
    )
  } finally {
    vi.useRealTimers()
  }
})
