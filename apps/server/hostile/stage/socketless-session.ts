import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { CloseReason } from '@demo/server'
import { createPacketCodec } from '../../../../packages/packet/src/index.ts'
import { createCounters } from '../../../../packages/server/src/counters.ts'
import { HandlerCaller } from '../../../../packages/server/src/handlers.ts'
import { checkOptions } from '../../../../packages/server/src/options.ts'
import { Scratch } from '../../../../packages/server/src/outbound.ts'
import { ReadBuffer } from '../../../../packages/server/src/read-buffer.ts'
import { TcpSession } from '../../../../packages/server/src/tcp-session.ts'
import type { Rules } from '../attacks/streams.ts'

/** As much of a socket as a session needs: it takes everything at once, and its peer has ended when it is told so. */
class Pipe extends EventEmitter {
  readonly writableLength = 0
  written = 0
  #endedHere = false
  #endedThere = false

  write(bytes: Uint8Array): boolean {
    this.written += bytes.length
    return true
  }

  pause(): void {}
  resume(): void {}
  read(): null {
    return null
  }

  end(): void {
    this.#endedHere = true
    this.#closeWhenBothEnded()
  }

  destroy(): void {
    this.emit('close')
  }

  peerEnds(): void {
    this.#endedThere = true
    this.emit('end')
    this.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (this.#endedHere && this.#endedThere) this.emit('close')
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
  readonly #context
  #reason: CloseReason | undefined

  constructor({ maxFrameLength, password }: Rules) {
    const handlers = new HandlerCaller({
      ...(password === undefined
        ? {}
        : { onConn: (conn) => (Buffer.from(conn.payload).equals(Buffer.from(password)) ? 0 : 1) }),
      onSubmit(_submit) {},
      onClose: (_session, reason) => {
        this.#reason = reason
      },
    })
    this.#context = {
      options: checkOptions({ maxFrameLength }, password !== undefined),
      codec: createPacketCodec(),
      handlers,
      counters: createCounters(),
      scratch: new Scratch(),
      readBuffer: new ReadBuffer(true),
      turns: {
        rest: () => true,
        wake: (session: { work(): void }) => {
          this.#woken.push(session)
        },
      },
      forget() {},
    }
  }

  /** Lets a session receive the pieces of a stream and its end. */
  take(pieces: readonly Uint8Array[]): Outcome {
    const pipe = new Pipe()
    this.#reason = undefined
    new TcpSession(1, pipe as unknown as Socket, this.#context).open()
    for (const piece of pieces) {
      pipe.emit('data', piece)
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
