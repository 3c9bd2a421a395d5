import { expect, it } from 'vitest'
import { RestartBackoff } from '../src/cluster/restart-backoff.ts'

/** The results of this many deaths of workers that listened, at this interval in milliseconds. */
function deaths(backoff: RestartBackoff, count: number, interval: number, from = 0): (number | string)[] {
  return Array.from({ length: count }, (_, at) => {
    backoff.started()
    return backoff.died(true, from + at * interval)
  })
}

it('replaces the first at once, then after increasing delays, at most a second', () => {
  expect(deaths(new RestartBackoff(), 8, 10)).toEqual([0, 50, 100, 200, 400, 800, 1000, 1000])
})

it('gives up at the twentieth death within a minute, and not before', () => {
  const results = deaths(new RestartBackoff(), 20, 3000)
  expect(results.slice(0, -1).filter((one) => typeof one !== 'number')).toEqual([])
  expect(results.at(-1)).toBe('20 workers died within 60 s')
})

it('goes on without an end when they die less often', () => {
  const results = deaths(new RestartBackoff(), 100, 3200)
  expect(results.filter((one) => typeof one !== 'number')).toEqual([])
})

it('forgets deaths after a minute: the next is replaced at once again', () => {
  const backoff = new RestartBackoff()
  deaths(backoff, 10, 10)
  expect(deaths(backoff, 2, 10, 70_000)).toEqual([0, 50])
})

it('gives up at the fifth that dies in a row before it listens', () => {
  const backoff = new RestartBackoff()
  const die = () => backoff.died(false, 0)
  expect([die(), die(), die(), die()].every((one) => typeof one === 'number')).toBe(true)
  backoff.started()
  expect([die(), die(), die(), die()].every((one) => typeof one === 'number')).toBe(true)
  expect(die()).toBe('5 workers in a row died before they listened')
})

it('tries a start that the system refuses again after the same delays, without an end while others serve', () => {
  const backoff = new RestartBackoff()
  const results = Array.from({ length: 30 }, () => backoff.refused(true))
  expect(results.slice(0, 8)).toEqual([0, 50, 100, 200, 400, 800, 1000, 1000])
  expect(results.at(-1)).toBe(1000)
  expect(backoff.died(true, 0), 'a refusal is no death').toBe(0)
})

it('gives up at the fifth refusal in a row when no other worker serves', () => {
  const backoff = new RestartBackoff()
  const refused = () => backoff.refused(false)
  expect([refused(), refused(), refused(), refused()]).toEqual([0, 50, 100, 200])
  backoff.started()
  expect([refused(), refused(), refused(), refused()]).toEqual([0, 50, 100, 200])
  expect(refused()).toBe('5 workers in a row could not be started')
})
