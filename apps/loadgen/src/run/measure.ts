import { Distribution, EMPTY_SUMMARY, type PackedDistribution } from '../engine/distribution.ts'
import type { TargetOutcome, WorkerOutcome } from '../engine/load-worker.ts'
import type { TimeSlice } from '../engine/timeline.ts'
import { perSecond } from '../units/per-second.ts'
import { mergeOutages } from './merge-outages.ts'
import type { Measured, RunResult, TargetResult } from './result.ts'
import { type Evidence, whySaturated } from './verdict.ts'

/** Facts of a run that its workers do not count. */
export interface RunFacts {
  /** Processor time of the load phase, in milliseconds. */
  readonly cpu: number
  readonly slices: readonly TimeSlice[]
  /** Why it ended early; null if it did not. */
  readonly interruptedBecause: string | null
}

/** Merges the outcomes of all workers into the result. */
export function measure(outcomes: readonly WorkerOutcome[], facts: RunFacts): Measured {
  const sum = (pick: (outcome: WorkerOutcome) => number) => outcomes.reduce((total, one) => total + pick(one), 0)
  const open = outcomes.every(({ lags }) => lags !== undefined)
  const responseTimes = merge(outcomes.map((outcome) => outcome.responseTimes))
  const serviceTimes = open ? merge(outcomes.map((outcome) => outcome.serviceTimes)) : responseTimes
  const lags = open ? merge(outcomes.map((outcome) => outcome.lags)) : undefined
  const busy = outcomes.map((outcome) => outcome.busy)
  const duration = Math.max(...outcomes.map((outcome) => outcome.duration))
  // Each worker has its own clock: they do not begin and stop at exactly the same time.
  const offeredRate = open ? sum((outcome) => perSecond(outcome.offered, outcome.scheduled / 1000)) : null
  const sentRate = sum((outcome) => perSecond(outcome.sentInTime, outcome.sending / 1000))
  const requests = sum((outcome) => outcome.requests)
  const acks = sum((outcome) => outcome.acks)
  const [late, overdue] = [sum((outcome) => outcome.late), sum((outcome) => outcome.overdue)]
  const evidence: Evidence = { offeredRate, sentRate, lagP99: lags?.percentile(99) ?? null, busy }
  const saturatedBecause = whySaturated(evidence)
  const errors = outcomes.flatMap((outcome) => outcome.errors)
  const { outages, seconds } = mergeOutages(outcomes)
  return {
    result: {
      ...{ requests, acks, late, overdue, outages },
      failedAcks: sum((outcome) => outcome.failedAcks),
      unanswered: requests - acks,
      lost: sum((outcome) => outcome.lost),
      unsent: sum((outcome) => outcome.unsent),
      notReached: sum((outcome) => outcome.notReached),
      neverAnswered: sum((outcome) => outcome.neverAnswered),
      mismatched: sum((outcome) => outcome.mismatched),
      duplicates: sum((outcome) => outcome.duplicates),
      timedOut: late + overdue,
      errors: errors.reduce((total, [, count]) => total + count, 0),
      errorMessages: [...new Set(errors.map(([message]) => message))],
      reconnects: sum((outcome) => outcome.reconnects),
      outageSeconds: seconds,
      interrupted: facts.interruptedBecause !== null,
      interruptedBecause: facts.interruptedBecause,
      durationSeconds: Number((duration / 1000).toFixed(3)),
      acksPerSecond: roundRate(sum((outcome) => perSecond(outcome.arrivedInTime, outcome.duration / 1000))),
      // Without answers there are no times: how long unanswered requests waited is only a lower bound.
      latencyMs: acks === 0 ? EMPTY_SUMMARY : responseTimes.summarize(),
      serviceTimeMs: acks === 0 ? EMPTY_SUMMARY : serviceTimes.summarize(),
      offeredRate: offeredRate === null ? null : Number(offeredRate.toPrecision(6)),
      sentRate: Number(sentRate.toPrecision(6)),
      scheduleLagMs: lags?.summarize() ?? null,
      waited: sum((outcome) => outcome.waited),
      saturated: saturatedBecause !== null,
      saturatedBecause,
      generator: {
        cpuPercent: duration === 0 ? 0 : Math.round((facts.cpu / duration) * 100),
        workers: outcomes.length,
        busyPercent: busy.map((one) => Math.round(one * 100)),
        eventLoopDelayMs: merge(outcomes.map((outcome) => outcome.loopDelays)).summarize(),
      },
      targets: targetResults(outcomes, duration),
      slices: facts.slices,
    } satisfies RunResult,
    latencies: responseTimes,
    serviceTimes,
    lags,
  }
}

/** The results of each target, of all workers together. */
function targetResults(outcomes: readonly WorkerOutcome[], duration: number): TargetResult[] {
  return (outcomes[0]?.targets ?? []).map(({ target }, i) => {
    const own = outcomes.flatMap(({ targets }) => targets[i] ?? [])
    const sum = (pick: (one: TargetOutcome) => number) => own.reduce((total, one) => total + pick(one), 0)
    const [acks, unanswered] = [sum((one) => one.acks), sum((one) => one.unanswered)]
    const arrivedInTime = sum((one) => one.arrivedInTime)
    return {
      ...{ target, acks, unanswered },
      connections: sum((one) => one.connections),
      requests: acks + unanswered,
      failedAcks: sum((one) => one.failedAcks),
      mismatched: sum((one) => one.mismatched),
      duplicates: sum((one) => one.duplicates),
      timedOut: sum((one) => one.late + one.overdue),
      errors: sum((one) => one.errors),
      acksPerSecond: roundRate(perSecond(arrivedInTime, duration / 1000)),
      latencyMs: acks === 0 ? EMPTY_SUMMARY : merge(own.map(({ responseTimes }) => responseTimes)).summarize(),
    }
  })
}

function merge(packed: readonly (PackedDistribution | undefined)[]): Distribution {
  const merged = new Distribution()
  for (const one of packed) if (one !== undefined) merged.add(one)
  return merged
}

/** A whole number, or four digits of a rate below 100. */
const roundRate = (rate: number) => (rate >= 100 ? Math.round(rate) : Number(rate.toPrecision(4)))
