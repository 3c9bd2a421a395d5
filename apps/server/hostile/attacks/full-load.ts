/** Connections that keep a window of requests on their way, as fast as the server answers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LoadConnection, type LoadOutcome } from './load-connection.ts'

let connections: LoadConnection[] = []

/** Connects them, and returns when each has been answered so many times: the load is full. */
export async function load(port: number, count: number, window: number, answers: number): Promise<void> {
  connections = await Promise.all(Array.from({ length: count }, () => LoadConnection.open(port, window)))
  for (const connection of connections) connection.fill()
  while (connections.some(({ answered }) => answered < answers)) await sleep(5)
}

/** Waits until the server has ended all of them, and tells what each got. */
export function outcomes(): Promise<LoadOutcome[]> {
  return Promise.all(connections.map((connection) => connection.outcome()))
}

/** Answers so far. */
export function answered(): number {
  return connections.reduce((sum, connection) => sum + connection.answered, 0)
}

/** Breaks off. */
export function stop(): void {
  for (const connection of connections) connection.destroy()
}
