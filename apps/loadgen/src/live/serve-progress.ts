import { serveMetrics } from '@demo/metrics'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Progress } from '../engine/monitor.ts'

/** Serves the live figures of a run to Prometheus. */
export interface ProgressServer {
  readonly port: number
  show(progress: Progress): void
  close(): Promise<void>
}

const PREFIX = 'demo_loadgen_'
const PHASES = ['connect', 'warm-up', 'load', 'drain'] as const

/**
 * Listens on a port; 0 picks a free one.
 *
 * @throws the system's error, with its code: `EADDRINUSE`, …
 */
export async function serveProgress(host: string, port: number): Promise<ProgressServer> {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string) => new Counter({ name: PREFIX + name, help, registers })
  const gauge = (name: string, help: string) => new Gauge({ name: PREFIX + name, help, registers })
  const acks = counter('acks_total', 'Answers that came, those of the warm-up included.')
  const failed = counter('failed_acks_total', 'Of these, with a result other than 0.')
  const errors = counter('errors_total', 'Connections lost, and requests that timed out.')
  const connections = gauge('connections', 'Connections that are open.')
  const down = gauge('connections_down', 'Connections that are lost, and are being made again.')
  const overdue = gauge('overdue', 'Requests that have waited for longer than the timeout.')
  const unsent = gauge('unsent', 'Requests that were due and are not sent.')
  const inFlight = gauge('in_flight', 'Requests sent and not answered.')
  const phases = new Gauge({
    name: `${PREFIX}phase`,
    help: '1 for the phase that the run is in.',
    labelNames: ['phase'],
    registers,
  })
  const times = new Gauge({
    name: `${PREFIX}response_time_seconds`,
    help: 'Response time of the last second.',
    labelNames: ['percentile'],
    registers,
  })

  let before: Progress | undefined
  function show(progress: Progress): void {
    // The run's own count begins anew with the load; a counter only grows.
    const anew = before === undefined || progress.acks < before.acks
    acks.inc(anew ? progress.acks : progress.acks - (before?.acks ?? 0))
    failed.inc(anew ? progress.failedAcks : Math.max(0, progress.failedAcks - (before?.failedAcks ?? 0)))
    errors.inc(Math.max(0, progress.errors - (before?.errors ?? 0)))
    connections.set(progress.connections)
    down.set(progress.connectionsDown)
    overdue.set(progress.overdue)
    unsent.set(progress.unsent)
    inFlight.set(progress.inFlight)
    for (const phase of PHASES) phases.set({ phase }, phase === progress.phase ? 1 : 0)
    // Prometheus reads NaN as a missing value.
    times.set({ percentile: '50' }, (progress.p50 ?? Number.NaN) / 1000)
    times.set({ percentile: '99' }, (progress.p99 ?? Number.NaN) / 1000)
    before = progress
  }

  const { address, close } = await serveMetrics({ registry, host, port })
  return { port: address.port, show, close }
}
