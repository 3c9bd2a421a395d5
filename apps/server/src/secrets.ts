import { readFileSync } from 'node:fs'
import { ExitError, ExitStatus, isSystemError, OptionError } from '@demo/cli'
import { ServerOptionError, type TlsOptions, validateOptions } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from './flags.ts'
import { readTokens } from './tokens.ts'

/** What the files of secrets hold: what a process serves with, whoever has read them. */
export interface Secrets {
  /** The SHA-256 of each token. */
  readonly tokens?: readonly Buffer[]
  readonly tls?: TlsOptions
}

/**
 * The secrets last known to be good, and the one place that reads their files. What a file says counts from the start
 * or from a SIGHUP on, and only if it can be used: whoever serves later, a worker in the place of one that died, serves
 * with the same.
 */
export class SecretFiles {
  readonly #config: Config
  readonly #log: Logger
  #secrets: Secrets

  /** @throws ExitError with status 2 and one line: which flag, which file, and what is wrong */
  constructor(config: Config, log: Logger) {
    this.#config = config
    this.#log = log
    this.#secrets = {
      ...complaining('--auth-tokens-file', () => readTokensOf(config)),
      ...complaining('--tls-cert, --tls-key, --tls-ca', () => readTlsOf(config)),
    }
  }

  get secrets(): Secrets {
    return this.#secrets
  }

  /**
   * Reads the files again. What can't be used is logged, and the old stays.
   *
   * @returns what is to be used from now on in place of the old
   */
  reload(): Secrets {
    const { authTokensFile, tlsCert } = this.#config
    if (authTokensFile === undefined && tlsCert === undefined) {
      this.#log.info('nothing to reload: no tokens and no certificates')
    }
    const renewed = {
      ...this.#orNothing('tokens', () => readTokensOf(this.#config)),
      ...this.#orNothing('certificates', () => readTlsOf(this.#config)),
    }
    this.#secrets = { ...this.#secrets, ...renewed }
    return renewed
  }

  #orNothing(what: string, read: () => Secrets): Secrets {
    try {
      return read()
    } catch (error) {
      this.#log.error({ what, error: textOf(error) }, 'reload failed; what was there before is still used')
      return {}
    }
  }
}

function readTokensOf({ authTokensFile }: Config): Secrets {
  return authTokensFile === undefined ? {} : { tokens: readTokens(authTokensFile) }
}

/** Has the library look at it here, so that nobody is handed over what can't be used. */
function readTlsOf({ tlsCert, tlsKey, tlsCa, tlsRequireClientCert }: Config): Secrets {
  if (tlsCert === undefined || tlsKey === undefined) return {}
  const ca = tlsCa === undefined ? {} : { ca: readFileSync(tlsCa) }
  const tls = { cert: readFileSync(tlsCert), key: readFileSync(tlsKey), ...ca, requireClientCert: tlsRequireClientCert }
  validateOptions({ tls })
  return { tls }
}

/** @throws ExitError that names the flag */
function complaining(flags: string, read: () => Secrets): Secrets {
  try {
    return read()
  } catch (error) {
    const isTheirs = error instanceof OptionError || error instanceof ServerOptionError || isSystemError(error)
    if (!isTheirs) throw error
    const which = error instanceof ServerOptionError ? '--tls-cert' : flags
    throw new ExitError(ExitStatus.usage, `${which}: ${textOf(error)}`)
  }
}

/** Without the library's name of the option, which is no flag. */
function textOf(error: unknown): string {
  const { message } = error as Error
  return error instanceof ServerOptionError ? error.problem : message
}
