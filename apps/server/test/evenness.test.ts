import { expect, it } from 'vitest'
import { Evenness } from '../src/cluster/evenness.ts'
import type { KnownWorker } from '../src/cluster/known-worker.ts'

/** As much of a worker as is asked for its connections, and told of those of others. */
function worker(connections: number, heardAt: number, told: number[]): KnownWorker {
  const known = { accepting: true, connections, heardAt, tellFewest: (fewest: number) => told.push(fewest) }
  return known as unknown as KnownWorker
}

it('a worker that is not heard of is sent nothing: it would pile up here', () => {
  const [toFirst, toSecond, toStuck]: number[][] = [[], [], []]
  const now = performance.now()
  const workers = [worker(7, now, toFirst), worker(9, now, toSecond), worker(1, now - 60_000, toStuck)]
  const evenness = new Evenness(() => workers)
  for (let beats = 0; beats < 3; beats += 1) evenness.tell(true)
  expect(toFirst).toEqual([9, 9, 9])
  expect(toSecond).toEqual([7, 7, 7])
  expect(toStuck).toEqual([])
})
