import type { Connection, ConnectionEvents } from '../src/transport/connection.ts'

/** A connection that takes everything at once. */
export class Sink implements Connection {
  readonly remoteAddress = undefined
  readonly remotePort = undefined
  readonly peerCertificate = undefined
  readonly bytesRead = 0
  readonly bufferedBytes = 0
  readonly unsentBytes = 0
  readonly destroyed = false
  readonly copiesWrites = true
  written = 0
  #events: ConnectionEvents | undefined

  attach(events: ConnectionEvents): void {
    this.#events = events
  }

  receive(bytes: Uint8Array): void {
    this.#events?.onBytes(bytes, false)
  }

  write(bytes: Uint8Array): boolean {
    this.written += bytes.length
    return true
  }

  open(): void {}
  pause(): void {}
  resume(): void {}
  deliverBuffered(): void {}
  end(): void {}
  destroy(): void {}
}
