export { createServer } from './server.ts'
export { CLOSE_REASONS } from './close-reason.ts'
export { ServerOptionError } from './options.ts'
export type { CloseOptions, CloseSummary, Server } from './server.ts'
export type {
  Accept,
  Connection,
  ConnectionEvents,
  Handshake,
  ServerAddress,
  Transport,
} from './transport/connection.ts'
export type { ListenOptions } from './transport/tcp-transport.ts'
export type { Handlers, HandlerOutcome, Result } from './handlers.ts'
export type { Session, SessionState } from './session.ts'
export type { ServerOptions } from './options.ts'
export type { CloseReason } from './close-reason.ts'
export type { ServerObserver } from './observer.ts'
export type { ServerCounters } from './counters.ts'
export type { TlsOptions } from './transport/tls.ts'
