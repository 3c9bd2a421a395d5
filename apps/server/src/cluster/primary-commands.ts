import type { Secrets } from '../secrets/secret-files.ts'
import type { BeginCommand, Command } from './messages.ts'

/** The worker's side of the channel: receives the primary's commands, from its construction on. */
export class PrimaryCommands {
  /** The first command; undefined when the primary is gone before it. */
  readonly begin: Promise<BeginCommand | undefined>
  /** Settles when the worker has to stop: with true by the primary's command, with false when the primary is gone. */
  readonly stop: Promise<boolean>
  onSecrets: (renewed: Secrets) => void = () => {}
  onReportMetrics: (request: number) => void = () => {}
  onFewest: (connections: number) => void = () => {}
  #secrets: Secrets = {}
  #begin: (command: BeginCommand | undefined) => void = () => {}
  #stop: (commanded: boolean) => void = () => {}

  constructor() {
    this.begin = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.stop = new Promise((resolve) => {
      this.#stop = resolve
    })
    process.on('message', (command: Command) => this.#receive(command))
    process.on('disconnect', () => this.#primaryGone())
    if (!process.connected) this.#primaryGone()
  }

  /** All secrets, with the renewed ones. A worker never reads their files: all workers use the same. */
  get secrets(): Secrets {
    return this.#secrets
  }

  #receive(command: Command): void {
    switch (command.type) {
      case 'begin':
        this.#secrets = command.secrets
        this.#begin(command)
        break
      case 'secrets':
        this.#secrets = { ...this.#secrets, ...command.secrets }
        this.onSecrets(command.secrets)
        break
      case 'report-metrics':
        this.onReportMetrics(command.request)
        break
      case 'fewest':
        this.onFewest(command.connections)
        break
      case 'drain':
        this.#stop(true)
        break
    }
  }

  #primaryGone(): void {
    this.#begin(undefined)
    this.#stop(false)
  }
}
