/** Connections that keep a window of requests in flight, as fast as the server answers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LoadConnection, type LoadOutcome } from './load-connection.ts'

let connections: LoadConnection[] = []

/** Makes the connections, and returns when each has received this many answers: the load is full. */
export async function load(port: number, count: number, window: number, answers: number): Promise<void> {
  connections = await Promise.all(Array.from({ length: count }, () => LoadConnection.open(port, window)))
  for (const connection of connections) connection.fill()
  while (connections.some(({ answered }) => answered < answers)) await sleep(5)
}

/** Waits until the server has ended all connections, and returns what each received. */
export function outcomes(): Promise<LoadOutcome[]> {
  return Promise.all(connections.map((connection) => connection.outcome()))
}

/** The number of answers so far. */
export function answered(): number {
  return connections.reduce((sum, connection) => sum + connection.answered, 0)
}

/** Closes all connections. */
export function stop(): void {
  for (const connection of connections) connection.destroy()
}
