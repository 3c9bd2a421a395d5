import { CommandId, type ConnAckView, PacketIdSequence, type SubmitAckView } from '@demo/packet'
import { unexpectedAck } from '../connection/ack-reader.ts'
import type { Request } from './request.ts'

/** Requests that are sent and not answered. One that was given up keeps its place until its answer comes. */
export class InFlight {
  /** Their payloads, in bytes. */
  bytes = 0
  /** How many of them were given up. */
  abandoned = 0
  readonly #ids: PacketIdSequence
  readonly #requests = new Map<number, Request>()

  /** @param lastSerial the serial number of the request sent last, 0 if there was none */
  constructor(lastSerial: number) {
    this.#ids = new PacketIdSequence(lastSerial)
  }

  get size(): number {
    return this.#requests.size
  }

  /** Whether a caller still waits for an answer. */
  get awaited(): boolean {
    return this.#requests.size > this.abandoned
  }

  /** @returns the serial number that it is sent with */
  add(request: Request): number {
    // IDs go round: one that still waits for its answer after a whole round is passed over.
    let serial = this.#ids.nextSerial()
    while (this.#requests.has(serial)) serial = this.#ids.nextSerial()
    request.sent = true
    this.#requests.set(serial, request)
    this.bytes += request.size
    return serial
  }

  /** @throws ClientError `ERR_CLIENT_PROTOCOL` when it answers no request that is in flight */
  answered(ack: ConnAckView | SubmitAckView): void {
    const { serial } = ack
    const request = this.#requests.get(serial)
    if (request === undefined || ack.command !== CommandId.SubmitAck) {
      throw unexpectedAck(ack, request === undefined ? undefined : CommandId.Submit)
    }
    this.#requests.delete(serial)
    this.bytes -= request.size
    if (request.settled) this.abandoned -= 1
    else request.succeed(ack.result)
  }

  /** @param errorOf makes the error of each of them */
  failAll(errorOf: () => Error): void {
    for (const request of this.#requests.values()) if (!request.settled) request.fail(errorOf())
    this.#requests.clear()
    this.bytes = 0
    this.abandoned = 0
  }
}
