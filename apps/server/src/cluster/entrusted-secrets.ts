import type { Secrets } from '../secrets.ts'
import type { ToWorker } from './messages.ts'

/** The secrets that the primary entrusts to a worker, which never reads their files itself: all workers use the same. */
export class EntrustedSecrets {
  /** Settles when all of them are there; with false when the primary is gone instead. */
  readonly arrived: Promise<boolean>
  /** Called with what is renewed. */
  onRenewed: (renewed: Secrets) => void = () => {}
  #secrets: Secrets = {}

  constructor() {
    this.arrived = new Promise((resolve) => {
      process.on('message', (order: ToWorker) => {
        if (order.type !== 'secrets') return
        this.#secrets = { ...this.#secrets, ...order.secrets }
        this.onRenewed(order.secrets)
        resolve(true)
      })
      process.on('disconnect', () => resolve(false))
    })
  }

  get secrets(): Secrets {
    return this.#secrets
  }
}
