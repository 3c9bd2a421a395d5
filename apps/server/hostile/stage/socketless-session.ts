import type { CloseReason } from '@demo/server'
// Built, as the session itself has it: of the sources the errors would be other classes.
import { createPacketCodec } from '../../../../packages/packet/dist/index.js'
import { checkOptions } from '../../../../packages/server/src/check-options.ts'
import { HandlerCaller } from '../../../../packages/server/src/handlers/handler-caller.ts'
import type { Handlers } from '../../../../packages/server/src/handlers/handlers.ts'
import { createAckBuffer } from '../../../../packages/server/src/io/ack-outbound.ts'
import { createCounters } from '../../../../packages/server/src/observability/counters.ts'
import { type SubmitContext, SubmitSession } from '../../../../packages/server/src/session/submit-session.ts'
import type { Connection, ConnectionEvents } from '../../../../packages/server/src/transport/connection.ts'
import type { Rules } from '../attacks/streams.ts'

/** A connection that takes everything at once, and whose peer ends when it is told to. */
class Pipe implements Connection {
  readonly remoteAddress = undefined
  readonly remotePort = undefined
  readonly peerCertificate = undefined
  readonly bytesRead = 0
  readonly bufferedBytes = 0
  readonly unsentBytes = 0
  readonly copiesWrites = true
  destroyed = false
  written = 0
  #events: ConnectionEvents | undefined
  #endedHere = false
  #endedThere = false

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

  end(): void {
    this.#endedHere = true
    this.#closeWhenBothEnded()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#events?.onClose()
  }

  peerEnds(): void {
    this.#endedThere = true
    this.#events?.onEnd()
    this.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (this.#endedHere && this.#endedThere) this.destroy()
  }
}

/** What became of a stream. */
export interface Outcome {
  /** Why its session was closed; undefined when it was not. */
  readonly reason: CloseReason | undefined
  /** Bytes of answers. */
  readonly written: number
}

/** Sessions of the real make without sockets, one after the other: a million of them in seconds. */
export class SocketlessServer {
  readonly #woken: { work(): void }[] = []
  readonly #context: SubmitContext<unknown>
  #reason: CloseReason | undefined

  constructor({ maxFrameLength, password }: Rules) {
    const handlers: Handlers = {
      ...(password === undefined
        ? {}
        : { onConn: (conn) => (Buffer.from(conn.payload).equals(Buffer.from(password)) ? 0 : 1) }),
      onSubmit(_submit) {},
      onClose: (_session, reason) => {
        this.#reason = reason
      },
    }
    this.#context = {
      options: checkOptions({ maxFrameLength }, password !== undefined),
      codec: createPacketCodec(),
      handlers: new HandlerCaller(handlers),
      protocol: handlers,
      submitTakesContext: false,
      takesContext: false,
      ordered: false,
      counters: createCounters(),
      buffer: createAckBuffer(),
      scheduler: {
        admit: () => true,
        wake: (session) => {
          this.#woken.push(session)
        },
      },
      onClosed() {},
    }
  }

  /** Lets a session receive the pieces of a stream and its end. */
  take(pieces: readonly Uint8Array[]): Outcome {
    const pipe = new Pipe()
    this.#reason = undefined
    new SubmitSession(1, pipe, this.#context).open()
    for (const piece of pieces) {
      pipe.receive(piece)
      this.#work()
    }
    pipe.peerEnds()
    this.#work()
    return { reason: this.#reason, written: pipe.written }
  }

  /** Later in the turn is now. */
  #work(): void {
    for (let session = this.#woken.shift(); session !== undefined; session = this.#woken.shift()) session.work()
  }
}
