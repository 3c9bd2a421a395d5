import type { HandlerCaller } from '../handlers/handler-caller.ts'
import type { InboundContext } from '../io/inbound.ts'
import type { MutableCounters } from '../observability/counters.ts'
import type { ServerObserver } from '../observability/observer.ts'
import type { TimeLimits } from './deadlines.ts'

/** What a session uses of the checked options of its server. Times in milliseconds; a limit that is off is Infinity. */
export interface SessionOptions extends TimeLimits {
  readonly maxFrameLength: number
  readonly maxInFlight: number
  readonly maxWriteBuffer: number
  readonly tickInterval: number
  readonly reuseReadBuffer: boolean
  readonly observer: ServerObserver
}

/** What the life of a session needs of its server. */
export interface LifeContext<S> {
  readonly counters: MutableCounters
  readonly handlers: HandlerCaller<S>
  /** Called once the connection of the session is closed. */
  onClosed(session: S): void
}

/** What a session of frames needs of its server. */
export interface SessionContext<S> extends InboundContext, LifeContext<S> {
  readonly options: SessionOptions
  /** Whether answers leave in the order of their requests. */
  readonly ordered: boolean
  /** Whether any handler of requests may look at its context. */
  readonly takesContext: boolean
}
