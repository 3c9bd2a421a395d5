import { CommandId, type ConnAckView, PacketIdSequence, type SubmitAckView } from '@demo/packet'
import { unexpectedAck } from '../connection/ack-reader.ts'
import type { Request } from './request.ts'

/** Requests sent and not answered. A request that timed out or was aborted stays until its answer comes. */
export class InFlight {
  /** The bytes of their payloads. */
  bytes = 0
  /** How many of them timed out or were aborted. */
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

  /** @returns the serial number that the request is sent with */
  add(request: Request): number {
    // IDs repeat after 100 million: skip one that is still in flight.
    let serial = this.#ids.nextSerial()
    while (this.#requests.has(serial)) serial = this.#ids.nextSerial()
    request.sent = true
    this.#requests.set(serial, request)
    this.bytes += request.size
    return serial
  }

  /** @throws ClientError `ERR_CLIENT_PROTOCOL` when it answers no request in flight */
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

  /** @param errorOf makes the error of each request */
  failAll(errorOf: () => Error): void {
    for (const request of this.#requests.values()) if (!request.settled) request.fail(errorOf())
    this.#requests.clear()
    this.bytes = 0
    this.abandoned = 0
  }
}
