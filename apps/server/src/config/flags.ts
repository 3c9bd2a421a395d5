import {
  type Flag,
  type Flags,
  flag,
  listFlag,
  optionalFlag,
  parseCount,
  parseDuration,
  parseOneOf,
  parsePort,
  parseSize,
  parseText,
  switchFlag,
  type Values,
} from '@demo/cli'
import type { ServerOptions } from '@demo/server'
import { parseHandlerThreads, parseWorkers } from './process-counts.ts'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** One flag for each limit of the library. */
export const LIMITS = {
  maxFrameLength: flag('--max-frame-length <size>', 'the longest frame, header included', parseSize, '1MiB'),
  maxConnections: flag('--max-connections <n>', 'connections at the same time, of each worker', parseCount, '10000'),
  maxConnectionsPerIp: flag(
    '--max-connections-per-ip <n>',
    'connections from one address, of each worker',
    parseCount,
    '0',
  ),
  maxInFlight: flag('--max-in-flight <n>', 'handlers of one connection that have not settled', parseCount, '1024'),
  maxWriteBuffer: flag('--max-write-buffer <size>', 'unsent acks of one connection', parseSize, '1MiB'),
  handshakeTimeout: flag(
    '--handshake-timeout <time>',
    "for a proxy's header, TLS and a required Conn, together",
    parseDuration,
    '5s',
  ),
  frameTimeout: flag('--frame-timeout <time>', "from a frame's first byte to its last", parseDuration, '15s'),
  idleTimeout: flag('--idle-timeout <time>', 'nothing received and nothing in flight', parseDuration, '5m'),
  writeTimeout: flag('--write-timeout <time>', 'acks wait, and the peer reads none', parseDuration, '10s'),
  handlerTimeout: flag('--handler-timeout <time>', 'how long a handler may take', parseDuration, '30s'),
  lingerTimeout: flag(
    '--linger-timeout <time>',
    'how long the peer may take to end a connection that we ended',
    parseDuration,
    '2s',
  ),
} satisfies Flags & { [name in keyof ServerOptions]?: Flag<number> }

export const FLAGS = {
  host: flag('--host <address>', 'where to listen', parseText, '127.0.0.1'),
  port: flag('--port <port>', 'where to listen; 0 picks a free one', parsePort, '8888'),
  listenPath: optionalFlag('--listen-path <path>', 'listen on a Unix socket instead of host and port', parseText),
  workers: flag('--workers <n>', 'processes that share the port; auto is one for each CPU', parseWorkers, '1'),
  engine: flag(
    '--engine <engine>',
    'what moves the bytes of sockets: native, node, or auto: native where it can be used',
    parseOneOf(['auto', 'native', 'node'] as const),
    'auto',
  ),
  handler: optionalFlag(
    '--handler <module>',
    'your handlers: export default { onSubmit(submit, context) {…} }',
    parseText,
  ),
  handlerThreads: flag(
    '--handler-threads <n>',
    'threads that run onSubmit of your handlers, in each worker; 0 is none',
    parseHandlerThreads,
    '0',
  ),
  tickInterval: flag(
    '--tick-interval <time>',
    'how often onTick of your handlers is called; 0 is never',
    parseDuration,
    '0',
  ),
  reuseReadBuffer: switchFlag(
    '--reuse-read-buffer',
    'your handlers do not use a packet after they return: reading costs less',
  ),
  dialect: flag(
    '--dialect <dialect>',
    'specification, or go-demo for peers of the Go series',
    parseOneOf(['specification', 'go-demo'] as const),
    'specification',
  ),
  ...LIMITS,
  authTokensFile: optionalFlag(
    '--auth-tokens-file <file>',
    'the accepted tokens, one a line; clients must send a Conn',
    parseText,
  ),
  tlsCert: optionalFlag('--tls-cert <file>', 'TLS: the certificate with its chain, in PEM', parseText),
  tlsKey: optionalFlag('--tls-key <file>', "TLS: the certificate's private key, in PEM", parseText),
  tlsCa: optionalFlag(
    '--tls-ca <file>',
    'TLS: the authority that signs the certificates of clients, in PEM',
    parseText,
  ),
  tlsRequireClientCert: switchFlag(
    '--tls-require-client-cert',
    'mutual TLS: only clients with a certificate may connect',
  ),
  proxyProtocolFrom: listFlag(
    '--proxy-protocol-from <cidr>',
    'proxies trusted to send a PROXY header: addresses, networks, unix; may be repeated',
    parseText,
  ),
  drainDelay: flag(
    '--drain-delay <time>',
    'after the signal to stop: not ready, but still accepting, until load balancers know',
    parseDuration,
    '0',
  ),
  drainTimeout: flag('--drain-timeout <time>', 'after that: how long received requests may take', parseDuration, '10s'),
  metricsHost: flag('--metrics-host <address>', 'where to serve metrics and health', parseText, '127.0.0.1'),
  metricsPort: flag(
    '--metrics-port <port>',
    'where to serve metrics and health; 0 picks a free one',
    parsePort,
    '8889',
  ),
  logLevel: flag('--log-level <level>', LOG_LEVELS.join(', '), parseOneOf(LOG_LEVELS), 'info'),
  logFormat: flag('--log-format <format>', 'json or pretty', parseOneOf(['json', 'pretty'] as const), 'json'),
} satisfies Flags

/** Flags that no configuration file may have: what to do instead of serving, and the configuration file itself. */
export const COMMAND_FLAGS = {
  config: optionalFlag('--config <file>', 'a YAML file with any of the above: max-connections: 500', parseText),
  checkConfig: switchFlag('--check-config', 'check the configuration and every file it names, and stop'),
  printConfig: switchFlag('--print-config', 'print the configuration in effect as YAML, and stop'),
} satisfies Flags

/** All settings. Times in milliseconds, sizes in bytes. */
export type Config = Values<typeof FLAGS>
