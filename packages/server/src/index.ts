export { createServer } from './create-server.ts'
export { createFrameServer } from './create-frame-server.ts'
export { validateOptions } from './check-options.ts'
export { CLOSE_REASONS } from './api/close-reason.ts'
export { ServerOptionError } from './option-error.ts'
export {
  CodecError,
  ConnectionClosedError,
  HandlerTimeoutError,
  InternalError,
  ProtocolError,
  WriteBufferFullError,
} from './api/server-errors.ts'
export { ListenError, MAX_SOCKET_PATH_LENGTH } from './transport/listen-options.ts'
export { EngineError, engineFor } from './transport/native-engine.ts'
export { takesContext } from './handlers/takes-context.ts'
export { compose, MiddlewareError } from './handlers/middleware.ts'
export { router, RouterError } from './handlers/router.ts'
export { MemoryTransport } from './transport/memory-transport.ts'
export type { Server } from './server.ts'
export type { CloseOptions, CloseSummary } from './drain.ts'
export type { ListenErrorCode, ListenOptions } from './transport/listen-options.ts'
export type { Handlers, SessionHandlers } from './handlers/handlers.ts'
export type { HandlerOutcome, Result } from './api/result.ts'
export type { Middleware, Next, PacketMiddleware } from './handlers/middleware.ts'
export type { RouteHandler, RouteKey, RouterOptions, SubmitHandler } from './handlers/router.ts'
export type { RequestContext } from './api/request-context.ts'
export type { MessageSession, Session, SessionState } from './api/session.ts'
export type { FrameServerHandlers, FrameServerOptions } from './create-frame-server.ts'
export type { MessageCodec } from './session/message-codec.ts'
export type { CommonServerOptions, ServerOptions } from './options.ts'
export type { CloseReason } from './api/close-reason.ts'
export type { ServerObserver } from './observability/observer.ts'
export type { ServerCounters } from './observability/counters.ts'
export type { EngineName } from './api/engine-name.ts'
export type { EngineChoice } from './transport/native-engine.ts'
export type { TlsOptions } from './transport/tls.ts'
export type {
  Accept,
  Connection,
  ConnectionEvents,
  Handshake,
  ServerAddress,
  Transport,
} from './transport/connection.ts'
export type { MemoryPeer } from './transport/memory-peer.ts'
export type { MemoryTransportOptions } from './transport/memory-transport.ts'
