import { setTimeout as sleep } from 'node:timers/promises'
import type { Dialect } from '@demo/packet'
import { connect } from '../client/client.ts'
import { ClientError } from '../common/client-error.ts'
import type { ServerLocation } from '../connection/open-socket.ts'
import { createWords } from './payloads.ts'

/** Options of {@link simulate}: the client of the Go series unless you say otherwise. */
export type SimulateOptions = ServerLocation & {
  /** @default 'specification' */
  readonly dialect?: Dialect | undefined
  /**
   * Connections at the same time.
   *
   * @default 5
   */
  readonly clients?: number | undefined
  /**
   * Submits of each.
   *
   * @default 10
   */
  readonly submits?: number | undefined
  /**
   * From one submit of a client to its next, in milliseconds.
   *
   * @default 1000
   */
  readonly interval?: number | undefined
  /** Where the payloads come from: the same seed, the same payloads of each client. A random one unless given. */
  readonly seed?: number | undefined
  /** Ends the simulation early. */
  readonly signal?: AbortSignal | undefined
}

/** What happens in a simulation; clients are counted from 1. */
export type SimulationEvent =
  | { readonly type: 'connected'; readonly client: number }
  | {
      readonly type: 'sent'
      readonly client: number
      readonly id: string
      readonly payload: string
      readonly frameLength: number
    }
  | { readonly type: 'answered'; readonly client: number; readonly id: string; readonly result: number }
  | { readonly type: 'exited'; readonly client: number; readonly error: Error | undefined }

/** What came of a simulation. */
export interface SimulationSummary {
  /** Submits sent. */
  readonly sent: number
  /** Of these, answered with success. */
  readonly succeeded: number
  /** Of these, answered with another result. */
  readonly failed: number
  /** Clients that ended with an error. */
  readonly errors: number
}

/**
 * Simulates many clients of a few requests each, as the client of the Go series does: 5 connections, 10 submits each, a
 * second apart, with payloads like `firm-iron`.
 *
 * @param onEvent called for whatever happens; {@link describeEvent} makes a line of it. If it throws, the simulation ends
 *   early and rejects with what was thrown.
 */
export async function simulate(
  options: SimulateOptions,
  onEvent: (event: SimulationEvent) => void = () => {},
): Promise<SimulationSummary> {
  const { clients = 5, submits = 10, interval = 1000 } = options
  const { seed = Math.floor(Math.random() * 2 ** 32) } = options
  for (const [name, value, least] of [
    ['clients', clients, 1],
    ['submits', submits, 0],
    ['interval', interval, 0],
  ] as const) {
    if (!(Number.isFinite(value) && value >= least))
      throw new RangeError(`${name} is ${value}; it must be ${least} or more`)
  }
  const summary = { sent: 0, succeeded: 0, failed: 0, errors: 0 }
  const failure = new AbortController()
  let thrown: { readonly error: unknown } | undefined
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal])

  function tell(event: SimulationEvent): void {
    if (thrown !== undefined) return
    try {
      onEvent(event)
    } catch (error) {
      thrown = { error }
      failure.abort(error)
    }
  }

  async function runClient(number: number): Promise<void> {
    signal.throwIfAborted()
    const client = await connect({ ...options, signal })
    tell({ type: 'connected', client: number })
    const lost = client.closed.then((error) => {
      throw error ?? new ClientError('ERR_CLIENT_CONNECTION_LOST', 'the server ended the connection')
    })
    const encoder = new TextEncoder()
    const words = createWords(seed + number - 1)

    async function submit(): Promise<void> {
      const payload = words()
      let id = ''
      const result = await client.submit(encoder.encode(payload), {
        signal,
        onSent: (sentId, frameLength) => {
          id = sentId
          summary.sent += 1
          tell({ type: 'sent', client: number, id, payload, frameLength })
        },
      })
      if (result === 0) summary.succeeded += 1
      else summary.failed += 1
      tell({ type: 'answered', client: number, id, result })
    }

    const over = new AbortController()
    const pause = async (milliseconds: number) => {
      await sleep(milliseconds, undefined, { signal: AbortSignal.any([over.signal, signal]) })
    }

    try {
      const answers: Promise<void>[] = []
      const startedAt = performance.now()
      for (let i = 0; i < submits; i++) {
        const wait = startedAt + i * interval - performance.now()
        if (wait > 0) await Promise.race([pause(wait), lost])
        const answer = submit()
        // It is awaited below; until then a rejection is nobody's surprise.
        answer.catch(() => {})
        answers.push(answer)
      }
      await Promise.all(answers)
    } finally {
      over.abort()
      lost.catch(() => {})
      await client.close()
    }
  }

  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const error = await runClient(i + 1).then(
        () => undefined,
        (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
      )
      if (error !== undefined) summary.errors += 1
      tell({ type: 'exited', client: i + 1, error })
    }),
  )
  if (thrown !== undefined) throw thrown.error
  return summary
}

/** The line that the client of the Go series logs for an event. */
export function describeEvent(event: SimulationEvent): string {
  const who = `[client ${event.client}]:`
  switch (event.type) {
    case 'connected':
      return `${who} dial ok`
    case 'sent':
      return `${who} send submit id = ${event.id}, payload=${event.payload}, frame length = ${event.frameLength}`
    case 'answered':
      return `${who} the result of submit ack[${event.id}] is ${event.result}`
    case 'exited':
      return event.error === undefined ? `${who} exit ok` : `${who} exit with error: ${event.error.message}`
  }
}
