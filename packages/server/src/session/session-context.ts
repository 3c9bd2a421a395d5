import type { HandlerCaller } from '../handlers/handler-caller.ts'
import type { InboundContext } from '../io/inbound.ts'
import type { MutableCounters } from '../observability/counters.ts'
import type { ServerObserver } from '../observability/observer.ts'
import type { TimeLimits } from './deadlines.ts'

/** The options that a session needs. Times in milliseconds; a limit that is off is Infinity. */
export interface SessionOptions extends TimeLimits {
  readonly maxFrameLength: number
  readonly maxInFlight: number
  readonly maxWriteBuffer: number
  readonly tickInterval: number
  readonly reuseReadBuffer: boolean
  readonly observer: ServerObserver
}

/** What {@link ConnectionSession} needs from its server. */
export interface LifeContext<S> {
  readonly counters: MutableCounters
  readonly handlers: HandlerCaller<S>
  /** Called once the connection of the session is closed. */
  onClosed(session: S): void
}

/** What a session of frames needs from its server. */
export interface SessionContext<S> extends InboundContext, LifeContext<S> {
  readonly options: SessionOptions
  /** Whether answers leave in the order of their requests. */
  readonly ordered: boolean
  /** Whether any handler of requests may use its context. */
  readonly takesContext: boolean
}
