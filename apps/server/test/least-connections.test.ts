import { expect, it } from 'vitest'
import { LeastConnections } from '../src/cluster/least-connections.ts'
import type { WorkerHandle } from '../src/cluster/worker-handle.ts'

/** As much of a worker's handle as is used here. */
class Worker {
  readonly accepting = true
  readonly connections: number
  readonly heardAt: number
  readonly sent: number[] = []

  constructor(connections: number, heardAt: number) {
    this.connections = connections
    this.heardAt = heardAt
  }

  sendFewest(fewest: number): void {
    this.sent.push(fewest)
  }
}

it('sends nothing to a worker without a heartbeat: it would pile up here', () => {
  const now = performance.now()
  const [first, second, stuck] = [new Worker(7, now), new Worker(9, now), new Worker(1, now - 60_000)]
  const workers = [first, second, stuck] as unknown as WorkerHandle[]
  const leastConnections = new LeastConnections(() => workers)
  for (let beats = 0; beats < 3; beats += 1) leastConnections.send(true)
  expect(first.sent).toEqual([9, 9, 9])
  expect(second.sent).toEqual([7, 7, 7])
  expect(stuck.sent).toEqual([])
})
