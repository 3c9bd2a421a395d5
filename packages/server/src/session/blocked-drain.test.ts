import { setImmediate as turn } from 'node:timers/promises'
import { waitFor } from '@demo/testkit/wait-for'
import { manySubmits } from '@demo/testkit/wire'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../index.ts'
import type { Accept, Connection, ConnectionEvents, Transport } from '../transport/connection.ts'

/** From this many unsent bytes on the connection asks to write no more. */
const HIGH_WATER_MARK = 1024

/** A connection whose system takes one write when it is told to. */
class Reluctant implements Connection {
  readonly remoteAddress = undefined
  readonly remotePort = undefined
  readonly peerCertificate = undefined
  readonly bytesRead = 0
  readonly bufferedBytes = 0
  readonly copiesWrites = false
  destroyed = false
  unsentBytes = 0
  total = 0
  ended = false
  #events: ConnectionEvents | undefined
  #writes: number[] = []
  #wasFull = false

  attach(events: ConnectionEvents): void {
    this.#events = events
  }

  receive(bytes: Uint8Array): void {
    this.#events?.onBytes(bytes, false)
  }

  write({ length }: Uint8Array): boolean {
    this.#writes.push(length)
    this.total += length
    this.unsentBytes += length
    const full = this.unsentBytes >= HIGH_WATER_MARK
    this.#wasFull ||= full
    return !full
  }

  /** The system takes the oldest write. @returns whether there was one */
  take(): boolean {
    const length = this.#writes.shift()
    if (length === undefined) return false
    this.unsentBytes -= length
    if (this.unsentBytes === 0 && this.#wasFull) {
      this.#wasFull = false
      this.#events?.onWritable()
    }
    return true
  }

  end(): void {
    this.ended = true
  }

  peerEnds(): void {
    this.#events?.onEnd()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    setImmediate(() => this.#events?.onClose())
  }

  open(): void {}
  pause(): void {}
  resume(): void {}
  deliverBuffered(): void {}
}

test.each(['the server drains', 'the peer ends'])(
  'a handler that settles while the peer is behind loses no request, when %s',
  async (what) => {
    let accept: Accept = () => {}
    const transport: Transport = {
      address: { path: 'reluctant' },
      async listen(accepting) {
        accept = accepting
        return { path: 'reluctant' }
      },
      pauseAccepting: () => false,
      resumeAccepting() {},
      async close() {},
    }
    let handled = 0
    let settle = () => {}
    const closed: string[] = []
    const server = createServer(
      {
        onSubmit(_submit) {
          handled += 1
          if (handled > 1) return 0
          return new Promise<0>((resolve) => {
            settle = () => resolve(0)
          })
        },
        onClose: (_session, reason) => void closed.push(reason),
      },
      { maxWriteBuffer: 2048 },
    )
    await server.listen(transport)
    const connection = new Reluctant()
    onTestFinished(() => connection.destroy())
    accept(connection, undefined)
    const [session] = server.sessions
    connection.receive(manySubmits(1, 400))
    await turn()
    expect(handled).toBeLessThan(400)
    if (what === 'the peer ends') connection.peerEnds()
    else void server.close({ timeout: 0 })
    await turn()
    connection.take()
    settle()
    for (let turns = 0; turns < 5; turns += 1) await turn()
    await waitFor(
      () => {
        connection.take()
        return connection.ended && connection.unsentBytes === 0
      },
      () => `for all answers; there are ${connection.total / 14}, the session is ${session?.state}`,
    )
    expect([handled, connection.total / 14]).toEqual([400, 400])
    if (what === 'the server drains') connection.peerEnds()
    connection.destroy()
    await waitFor(
      () => closed.length > 0,
      () => 'for the end',
    )
    expect(closed).toEqual([what === 'the peer ends' ? 'peer-closed' : 'draining'])
  },
)
