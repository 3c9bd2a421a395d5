import {
  addCompletion,
  addConfigFile,
  addFlags,
  Command,
  ExitError,
  ExitStatus,
  parseCommandLine,
  printConfig,
  type Values,
  whereFrom,
} from '@demo/cli'
import { ServerOptionError, type ServerOptions, validateOptions } from '@demo/server'
import manifest from '../../package.json' with { type: 'json' }
import { engineInUse } from './engine.ts'
import { COMMAND_FLAGS, type Config, FLAGS, LIMITS } from './flags.ts'

/** The version of the program. */
export const VERSION: string = manifest.version

const HELP = `
A flag beats its environment variable, which beats its key in the configuration file: --max-connections,
DEMO_SERVER_MAX_CONNECTIONS, max-connections. Times: 500ms, 10s, 5m. Sizes: 4096, 64KiB, 1MiB. 0 switches a limit off.

Signals: SIGTERM and SIGINT answer what was received and stop; a second one stops at once. SIGHUP reads the tokens and
the certificates again.

Exit status: 0 drained and stopped, 1 unexpected, 2 usage or configuration, 3 can't listen, 4 the drain deadline cut
work off.`

/** What the command line asks the program to do. */
export interface Task {
  readonly what: 'serve' | 'check'
  readonly config: Config
}

/**
 * Reads the configuration from the command line, the environment, and the configuration file.
 *
 * @throws ExitError when a setting is invalid; with status 0 after it has printed the help, the version or the configuration
 */
export async function readTask(argv: readonly string[]): Promise<Task> {
  const command = new Command('demo-server')
    .description('Serves framed requests over TCP, and its metrics over HTTP.')
    .version(VERSION)
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .action(() => {})
  addFlags(command, 'DEMO_SERVER', { ...FLAGS, ...COMMAND_FLAGS })
  addCompletion(command)
  await parseCommandLine(command, argv)
  const { config: file, checkConfig, printConfig: print } = command.opts<Values<typeof COMMAND_FLAGS>>()
  if (file !== undefined) addConfigFile(command, file, FLAGS)
  const { config: _file, checkConfig: _check, printConfig: _print, ...config } = command.opts()
  const from = (name: string) => whereFrom(command, name)
  checkTogether(config as Config, from)
  checkOptions(config as Config, from)
  if (print) {
    const { name, why } = await engineInUse(config as Config, from)
    const comment = why === undefined ? name : `${name}, because ${why}`
    process.stdout.write(`${printConfig(command, file, FLAGS)}# engine: ${comment}\n`)
    throw new ExitError(ExitStatus.ok, '')
  }
  // Otherwise the server finds out when it listens: with workers, this process never loads the engine.
  if (config['engine'] === 'native') await engineInUse(config as Config, from)
  return { what: checkConfig ? 'check' : 'serve', config: config as Config }
}

/** The settings that the library takes unchanged. */
export function serverOptions(config: Config): ServerOptions {
  const limits = Object.keys(LIMITS) as (keyof typeof LIMITS)[]
  const { dialect, engine, tickInterval, proxyProtocolFrom = [] } = config
  return {
    dialect,
    engine,
    tickInterval,
    proxyProtocolFrom,
    ...Object.fromEntries(limits.map((name) => [name, config[name]])),
  }
}

/** @throws ExitError when settings do not go together */
function checkTogether(config: Config, from: (name: string) => string): void {
  const { tlsCert, tlsKey, tlsCa, tlsRequireClientCert, handler, handlerThreads, tickInterval } = config
  if (handlerThreads > 0 && handler === undefined) throw complain(`${from('handlerThreads')} needs --handler`)
  if (tickInterval > 0 && handler === undefined) throw complain(`${from('tickInterval')} needs --handler`)
  if (tlsCert !== undefined && tlsKey === undefined) throw complain(`${from('tlsCert')} needs --tls-key`)
  if (tlsKey !== undefined && tlsCert === undefined) throw complain(`${from('tlsKey')} needs --tls-cert`)
  if (tlsCa !== undefined && tlsCert === undefined) throw complain(`${from('tlsCa')} needs --tls-cert and --tls-key`)
  if (tlsRequireClientCert && tlsCa === undefined) {
    const setting = from('tlsRequireClientCert')
    throw complain(`${setting} needs --tls-ca, the authority that signs the clients' certificates`)
  }
}

/**
 * Lets the library check its options here, where the source of each setting is known.
 *
 * @throws ExitError that names the flag, the variable, or the line of the file
 */
function checkOptions(config: Config, from: (name: string) => string): void {
  try {
    validateOptions(serverOptions(config))
  } catch (error) {
    if (!(error instanceof ServerOptionError)) throw error
    throw new ExitError(ExitStatus.usage, `${from(error.option)}: ${error.problem}`)
  }
}

function complain(message: string): ExitError {
  return new ExitError(ExitStatus.usage, `${message}; see --help`)
}
