import type { Secrets } from '../secrets.ts'
import type { Begin, ToWorker } from './messages.ts'

/** What a worker's primary tells it. It is listened to from the first moment on. */
export class Orders {
  /** The first order; undefined when the primary is gone before. */
  readonly begin: Promise<Begin | undefined>
  /** Settles when the worker has to stop: with true when the primary says so, with false when the primary is gone. */
  readonly stop: Promise<boolean>
  onRenewed: (renewed: Secrets) => void = () => {}
  onTell: (request: number) => void = () => {}
  onFewest: (connections: number) => void = () => {}
  #secrets: Secrets = {}
  #begin: (order: Begin | undefined) => void = () => {}
  #stop: (ordered: boolean) => void = () => {}

  constructor() {
    this.begin = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.stop = new Promise((resolve) => {
      this.#stop = resolve
    })
    process.on('message', (order: ToWorker) => this.#hear(order))
    process.on('disconnect', () => this.#lost())
    if (!process.connected) this.#lost()
  }

  /** All secrets, renewed ones included. A worker never reads their files: all use the same. */
  get secrets(): Secrets {
    return this.#secrets
  }

  #hear(order: ToWorker): void {
    switch (order.type) {
      case 'begin':
        this.#secrets = order.secrets
        this.#begin(order)
        break
      case 'secrets':
        this.#secrets = { ...this.#secrets, ...order.secrets }
        this.onRenewed(order.secrets)
        break
      case 'tell':
        this.onTell(order.request)
        break
      case 'fewest':
        this.onFewest(order.connections)
        break
      case 'drain':
        this.#stop(true)
        break
    }
  }

  #lost(): void {
    this.#begin(undefined)
    this.#stop(false)
  }
}
