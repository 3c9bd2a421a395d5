import type { ClientError } from '@demo/client-sim'
import { Backoff } from './backoff.ts'
import { asClientError, type ConnectionSlot } from './connection-slot.ts'
import type { WorkerPlan } from './load-worker.ts'

/** The most connections that one worker opens at the same time. */
export const MAX_CONNECTING = 256

/** What a {@link Reconnector} asks and reports. */
export interface ReconnectListener {
  /** Whether a lost connection is needed again. */
  readonly wantsConnections: boolean
  reconnected(slot: ConnectionSlot): void
  reconnectFailed(error: ClientError): void
}

/** Connects lost slots again: after a backoff, at the connect rate, and only some at the same time. */
export class Reconnector {
  /** When the next connection may be opened, in milliseconds on the monotonic clock. */
  nextConnectAt = 0
  readonly #plan: WorkerPlan
  readonly #listener: ReconnectListener
  readonly #backoffs = new Map<ConnectionSlot, Backoff>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Slots whose backoff is over. */
  readonly #queue: ConnectionSlot[] = []
  #connecting = 0
  #stopped = false

  constructor(plan: WorkerPlan, listener: ReconnectListener) {
    this.#plan = plan
    this.#listener = listener
  }

  schedule(slot: ConnectionSlot): void {
    if (this.#stopped) return
    let backoff = this.#backoffs.get(slot)
    if (backoff === undefined) {
      backoff = new Backoff(this.#plan.locations.length)
      this.#backoffs.set(slot, backoff)
    }
    this.#after(backoff.next(), () => {
      this.#queue.push(slot)
      this.#connectNext()
    })
  }

  /** The server answered on this slot: its next backoff is the first again. */
  resetBackoff(slot: ConnectionSlot): void {
    this.#backoffs.get(slot)?.reset()
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#queue.length = 0
  }

  #connectNext(): void {
    while (this.#queue.length > 0 && this.#connecting < MAX_CONNECTING && !this.#stopped) {
      const now = performance.now()
      if (this.nextConnectAt > now) {
        this.#after(this.nextConnectAt - now, () => this.#connectNext())
        return
      }
      const slot = this.#queue.shift()
      if (slot === undefined) return
      this.nextConnectAt = now + this.#plan.connectInterval
      this.#connect(slot)
    }
  }

  #connect(slot: ConnectionSlot): void {
    if (!this.#listener.wantsConnections) {
      this.schedule(slot)
      return
    }
    this.#connecting += 1
    slot
      .open()
      .then(
        () => this.#listener.reconnected(slot),
        (error: unknown) => {
          this.#listener.reconnectFailed(asClientError(error))
          this.schedule(slot)
        },
      )
      .finally(() => {
        this.#connecting -= 1
        this.#connectNext()
      })
  }

  #after(milliseconds: number, call: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      call()
    }, milliseconds)
    this.#timers.add(timer)
  }
}
