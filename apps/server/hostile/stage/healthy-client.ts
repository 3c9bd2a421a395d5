import { setTimeout as sleep } from 'node:timers/promises'
import type * as HealthyPeer from '../attacks/healthy-client.ts'
import type { Health, Introduction } from '../attacks/healthy-client.ts'
import { type Attacker, startAttacker } from './attacker.ts'
import { count, type Figures, milliseconds } from './figures.ts'

/** How long the healthy client has the server for itself first, in milliseconds. */
const BASELINE = 1000

/** The client that must not feel what happens to the others. */
export class HealthyClient {
  readonly #peer: Attacker<typeof HealthyPeer>
  #baseline: Health | undefined
  #noted: Health | undefined

  constructor(peer: Attacker<typeof HealthyPeer>) {
    this.#peer = peer
  }

  /** How it is without an attack. */
  get baseline(): Health {
    if (this.#baseline === undefined) throw new Error('no baseline was measured')
    return this.#baseline
  }

  /** Measures how it is without an attack; the first second is not counted. */
  async measureBaseline(duration = BASELINE): Promise<void> {
    await sleep(500)
    await this.#peer.do('health')
    await sleep(duration)
    this.#baseline = await this.#peer.do('health')
  }

  /** How it was since the baseline, or since it was asked the last time. */
  health(): Promise<Health> {
    return this.#peer.do('health')
  }

  /** Notes how it was under attack, once: nothing of its own may have failed. */
  async note(figures: Figures): Promise<Health> {
    if (this.#noted !== undefined) return this.#noted
    const health = await this.health()
    this.#noted = health
    figures.exactly(`healthy client, failed of ${count(health.requests)}`, health.failed, 0)
    figures.tell('healthy client, p99', `${milliseconds(health.p99)}, ${milliseconds(this.baseline.p99)} before`)
    return health
  }
}

/** How a healthy client comes. */
export interface HealthyOptions extends Introduction {
  /** How long it has the server for itself first, in milliseconds. */
  readonly baseline?: number
}

/** Connects a healthy client, and measures its baseline. */
export async function startHealthyClient(port: number, options: HealthyOptions = {}): Promise<HealthyClient> {
  const peer = startAttacker<typeof HealthyPeer>('healthy-client')
  await peer.do('start', port, options)
  const client = new HealthyClient(peer)
  await client.measureBaseline(options.baseline)
  return client
}
