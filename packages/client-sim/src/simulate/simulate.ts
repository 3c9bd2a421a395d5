import { setTimeout as sleep } from 'node:timers/promises'
import type { Dialect } from '@demo/packet'
import { connect } from '../client/connect.ts'
import { invalidOption } from '../common/check-options.ts'
import { ClientError } from '../common/client-error.ts'
import type { ServerLocation } from '../connection/server-location.ts'
import { createWords } from './payloads.ts'
import type { SimulationEvent } from './simulation-event.ts'

/** Options of {@link simulate}. The defaults are those of the client of the Go series. */
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
   * Submits of each client.
   *
   * @default 10
   */
  readonly submits?: number | undefined
  /**
   * The time from one submit of a client to its next, in milliseconds.
   *
   * @default 1000
   */
  readonly interval?: number | undefined
  /**
   * Selects the payloads: with the same seed each client sends the same payloads.
   *
   * @default a random one
   */
  readonly seed?: number | undefined
  /** Ends the simulation early. */
  readonly signal?: AbortSignal | undefined
}

/** The result of a simulation. */
export interface SimulationSummary {
  /** Submits sent. */
  readonly sent: number
  /** Of these, answered with success. */
  readonly succeeded: number
  /** Of these, answered with failure. */
  readonly failed: number
  /** Clients that ended with an error. */
  readonly errors: number
}

/**
 * Simulates many clients of a few requests each, as the client of the Go series does: 5 connections, 10 submits each, a
 * second apart, with payloads like `firm-iron`.
 *
 * @param onEvent called for each event; `describeEvent` makes a line of it. If it throws, the simulation ends early and
 *   rejects with what was thrown.
 * @throws RangeError when an option is invalid
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
    if (!(Number.isFinite(value) && value >= least)) throw invalidOption(name, value, `${least} or more`)
  }
  const summary = { sent: 0, succeeded: 0, failed: 0, errors: 0 }
  const failure = new AbortController()
  let thrown: { readonly error: unknown } | undefined
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal])

  function report(event: SimulationEvent): void {
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
    report({ type: 'connected', client: number })
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
          report({ type: 'sent', client: number, id, payload, frameLength })
        },
      })
      if (result === 0) summary.succeeded += 1
      else summary.failed += 1
      report({ type: 'answered', client: number, id, result })
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
        // Avoids unhandledRejection until it is awaited below.
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
      report({ type: 'exited', client: i + 1, error })
    }),
  )
  if (thrown !== undefined) throw thrown.error
  return summary
}
