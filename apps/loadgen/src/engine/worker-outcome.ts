import type { ConnectionSlots } from './connection-slots.ts'
import { Distribution } from './distribution.ts'
import type { LoadModel } from './load-model.ts'
import type { LoadStats } from './load-stats.ts'
import type { TargetOutcome, WorkerOutcome, WorkerPlan } from './load-worker.ts'
import type { LoopDelay } from './loop-delay.ts'
import type { TargetStats } from './target-stats.ts'

/** Totals of the time in which requests were sent and counted. */
export interface SendingTotals {
  readonly sent: number
  readonly acks: number
  readonly duration: number
  /** How long the schedule was, and how long requests were sent. */
  readonly scheduled: number
  readonly sending: number
  readonly busy: number
}

/** The parts of a worker. */
export interface WorkerParts {
  readonly plan: WorkerPlan
  readonly stats: LoadStats
  readonly slots: ConnectionSlots
  readonly model: LoadModel
  readonly loop: LoopDelay
  readonly sending: SendingTotals
  /** In milliseconds on the monotonic clock. */
  readonly now: number
  /** Whether no more answers will come. If not, only requests that wait for longer than the timeout count as unanswered. */
  readonly atEnd: boolean
}

/** The results of a worker. */
export function outcomeOf(parts: WorkerParts): WorkerOutcome {
  const { stats, slots, model, loop, sending, now } = parts
  const { offered, requests, acks, failedAcks, late, lost, notReached, waited, reconnects, since } = stats
  const { timeout, schedule } = parts.plan
  const sentBefore = overdueCutoff(parts)
  const counts = countsAsUnanswered(parts)
  let overdue = 0
  const times = stats.timesWithUnanswered(now, timeout, (visit) => {
    for (const slot of slots.all) {
      slot.forEachUnanswered((dueAt, sentAt) => {
        if (dueAt >= since && sentAt <= sentBefore) overdue += 1
        if (counts(dueAt)) visit(dueAt, sentAt)
      })
    }
    model.forEachWaiting((dueAt) => {
      if (counts(dueAt)) visit(dueAt)
    })
  })
  return {
    ...{ offered, requests, acks, failedAcks, late, lost, overdue, notReached, waited, reconnects },
    ...times,
    sentInTime: sending.sent,
    arrivedInTime: sending.acks,
    duration: sending.duration,
    scheduled: sending.scheduled,
    sending: sending.sending,
    busy: sending.busy,
    unsent: schedule === undefined ? 0 : Math.max(0, offered - requests),
    mismatched: slots.mismatched,
    duplicates: slots.duplicates,
    errors: [...slots.errors],
    outages: slots.outages.outages(now),
    outageTotal: slots.outages.total(now),
    targets: slots.targets.map((target) => targetOutcome(target, parts)),
    lags: stats.lags?.pack(),
    loopDelays: loop.delays.pack(),
  }
}

function targetOutcome(target: TargetStats, parts: WorkerParts): TargetOutcome {
  const { slots, stats, now } = parts
  const { timeout } = parts.plan
  const own = slots.all.filter((slot) => slot.target === target)
  const sum = (pick: (slot: (typeof own)[number]) => number) => own.reduce((total, slot) => total + pick(slot), 0)
  const sentBefore = overdueCutoff(parts)
  const counts = countsAsUnanswered(parts)
  const responseTimes = new Distribution()
  responseTimes.add(target.responseTimes.pack())
  target.unansweredTimes.recordInto(responseTimes, now, timeout)
  let [inFlight, overdue] = [0, 0]
  for (const slot of own) {
    slot.forEachUnanswered((dueAt, sentAt) => {
      if (dueAt < stats.since) return
      inFlight += 1
      if (sentAt <= sentBefore) overdue += 1
      if (counts(dueAt)) responseTimes.record(Math.max(timeout, now - dueAt), 1)
    })
  }
  const { acks, failedAcks, late, errors } = target
  return {
    ...{ target: target.target, acks, failedAcks, late, errors, overdue },
    connections: own.length,
    unanswered: target.lost + inFlight,
    mismatched: sum((slot) => slot.mismatched),
    duplicates: sum((slot) => slot.duplicates),
    arrivedInTime: target.acksInTime,
    responseTimes: responseTimes.pack(),
  }
}

/**
 * A request without an answer is overdue if it was sent before this time. Without a timeout, it is overdue at the end if it
 * was sent before the drain.
 */
function overdueCutoff({ plan: { timeout }, stats, sending, now, atEnd }: WorkerParts): number {
  if (timeout > 0) return now - timeout
  return atEnd ? stats.since + sending.duration : Number.NEGATIVE_INFINITY
}

/** Whether a request without an answer, due at a time, counts as never answered. */
function countsAsUnanswered({ plan: { timeout }, now, atEnd }: WorkerParts): (dueAt: number) => boolean {
  if (atEnd) return () => true
  return (dueAt) => timeout > 0 && now - dueAt >= timeout
}
