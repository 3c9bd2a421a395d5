import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Answer, Order } from '../attacks/run-attack.ts'
import { TYPESCRIPT } from './typescript.ts'

const RUN_ATTACK = fileURLToPath(new URL('../attacks/run-attack.ts', import.meta.url))

/** Any function. */
type Action = (...args: never) => unknown

/** The names of the functions that a module of attacks exports. */
type ActionOf<Attack> = { [name in keyof Attack]: Attack[name] extends Action ? name : never }[keyof Attack] & string

type ArgumentsOf<Function> = Function extends (...args: infer Arguments) => unknown ? Arguments : never
type ResultOf<Function> = Function extends (...args: never) => infer Result ? Awaited<Result> : never

/**
 * An attack in a process of its own, so that what it costs is not taken for slowness of the server. Its module is one of
 * `attacks/`, and its exported functions are called from here.
 */
export class Attacker<Attack> {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #lastId = 0

  constructor(attack: string) {
    this.#child = fork(RUN_ATTACK, [attack], {
      execArgv: TYPESCRIPT,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.#child.on('message', (message) => this.#answered(message as Answer))
    this.#child.once('exit', (status, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${attack} ended: ${signal ?? status}`))
    })
  }

  /** Has it do something, and waits until that is done. */
  do<Name extends ActionOf<Attack>>(action: Name, ...args: ArgumentsOf<Attack[Name]>): Promise<ResultOf<Attack[Name]>> {
    this.#lastId += 1
    const order: Order = { id: this.#lastId, action, args }
    return new Promise((resolve, reject) => {
      this.#waiting.set(order.id, { resolve: resolve as (value: unknown) => void, reject })
      this.#child.send(order)
    })
  }

  /** Ends it as a crash of its machine would: the system closes its connections. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }
}

/** Starts an attacker that is gone when its test is. */
export function startAttacker<Attack>(attack: string): Attacker<Attack> {
  const attacker = new Attacker<Attack>(attack)
  onTestFinished(() => attacker.kill())
  return attacker
}
