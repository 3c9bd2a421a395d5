import {
  addFlags,
  Command,
  type Flag,
  type Flags,
  flag,
  parseCommandLine,
  parseCount,
  parseDuration,
  parseOneOf,
  parsePort,
  parseSize,
  parseText,
  type Values,
} from '@demo/cli'
import type { ServerOptions } from '@demo/server'
import manifest from '../package.json' with { type: 'json' }

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The limits: one flag for each option of the library that is one. */
const LIMITS = {
  maxFrameLength: flag('--max-frame-length <size>', 'the longest frame, header included', parseSize, '1MiB'),
  maxConnections: flag('--max-connections <n>', 'connections at the same time', parseCount, '10000'),
  maxInFlight: flag('--max-in-flight <n>', 'unsettled handlers of one connection', parseCount, '1024'),
  maxWriteBuffer: flag('--max-write-buffer <size>', 'unsent acks of one connection', parseSize, '1MiB'),
  handshakeTimeout: flag('--handshake-timeout <time>', 'until a required Conn has succeeded', parseDuration, '5s'),
  frameTimeout: flag('--frame-timeout <time>', "from a frame's first byte to its last", parseDuration, '15s'),
  idleTimeout: flag('--idle-timeout <time>', 'nothing received and nothing in flight', parseDuration, '5m'),
  writeTimeout: flag('--write-timeout <time>', 'acks wait and the peer takes none', parseDuration, '10s'),
  handlerTimeout: flag('--handler-timeout <time>', 'until a handler has settled', parseDuration, '30s'),
  lingerTimeout: flag('--linger-timeout <time>', 'until the peer ends a connection that we ended', parseDuration, '2s'),
} satisfies Flags & { [name in keyof ServerOptions]?: Flag<number> }

const FLAGS = {
  host: flag('--host <address>', 'where to listen', parseText, '127.0.0.1'),
  port: flag('--port <port>', 'where to listen; 0 picks a free one', parsePort, '8888'),
  metricsHost: flag('--metrics-host <address>', 'where to serve the metrics', parseText, '127.0.0.1'),
  metricsPort: flag('--metrics-port <port>', 'where to serve the metrics; 0 picks a free one', parsePort, '8889'),
  dialect: flag(
    '--dialect <dialect>',
    'specification, or go-demo for peers of the Go series',
    parseOneOf(['specification', 'go-demo'] as const),
    'specification',
  ),
  ...LIMITS,
  drainTimeout: flag('--drain-timeout <time>', 'to answer what was received, once told to stop', parseDuration, '10s'),
  logLevel: flag('--log-level <level>', LOG_LEVELS.join(', '), parseOneOf(LOG_LEVELS), 'info'),
  logFormat: flag('--log-format <format>', 'json or pretty', parseOneOf(['json', 'pretty'] as const), 'json'),
} satisfies Flags

/** All that can be set. Times in milliseconds, sizes in bytes. */
export type Config = Values<typeof FLAGS>

/** The version of the program. */
export const VERSION: string = manifest.version

const EXIT_STATUSES = `
Each flag has an environment variable: DEMO_SERVER_PORT for --port. Times: 500ms, 10s, 5m. Sizes: 4096, 64KiB, 1MiB.
0 switches a limit off.

Signals: SIGTERM and SIGINT answer what was received and stop; a second one stops at once.

Exit status: 0 drained and stopped, 1 unexpected, 2 usage or configuration, 3 can't listen, 4 the drain deadline cut
work off.`

/**
 * Reads the configuration from the command line and the environment.
 *
 * @throws ExitError when something in it can't be, or help was asked for
 */
export async function readConfig(argv: readonly string[]): Promise<Config> {
  const command = new Command('demo-server')
    .description('Serves framed requests over TCP, and its metrics over HTTP.')
    .version(VERSION)
    .allowExcessArguments(false)
    .addHelpText('after', EXIT_STATUSES)
    .action(() => {})
  addFlags(command, 'DEMO_SERVER', FLAGS)
  await parseCommandLine(command, argv)
  return command.opts<Config>()
}

/** The part of the configuration that the library takes. */
export function serverOptions(config: Config): ServerOptions {
  const limits = Object.keys(LIMITS) as (keyof typeof LIMITS)[]
  return { dialect: config.dialect, ...Object.fromEntries(limits.map((name) => [name, config[name]])) }
}

/** `--max-frame-length` for `maxFrameLength`. */
export function flagOf(option: string): string {
  return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
