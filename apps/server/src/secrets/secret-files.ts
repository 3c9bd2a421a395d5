import { readFileSync } from 'node:fs'
import { ExitError, ExitStatus, isSystemError, OptionError } from '@demo/cli'
import { ServerOptionError, type TlsOptions, validateOptions } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from '../config/flags.ts'
import { errorText } from '../logging/error-text.ts'
import { readTokens } from './tokens.ts'

/** The contents of the files of secrets, in the form in which the server uses them. */
export interface Secrets {
  /** The SHA-256 of each token. */
  readonly tokens?: readonly Buffer[]
  readonly tls?: TlsOptions
}

/**
 * Reads the files of secrets, at the start and at each SIGHUP, and keeps the last valid contents. No other code reads these
 * files. A worker that replaces one that died gets the same secrets.
 */
export class SecretFiles {
  readonly #config: Config
  readonly #log: Logger
  #secrets: Secrets

  /** @throws ExitError with status 2 and one line: the flag, the file, and what is wrong */
  constructor(config: Config, log: Logger) {
    this.#config = config
    this.#log = log
    this.#secrets = {
      ...readOrExit('--auth-tokens-file', () => readTokensOf(config)),
      ...readOrExit('--tls-cert, --tls-key, --tls-ca', () => readTlsOf(config)),
    }
  }

  get secrets(): Secrets {
    return this.#secrets
  }

  /**
   * Reads the files again. Invalid contents are logged, and the old ones stay.
   *
   * @returns the secrets that replace old ones
   */
  reload(): Secrets {
    const { authTokensFile, tlsCert } = this.#config
    if (authTokensFile === undefined && tlsCert === undefined) {
      this.#log.info('nothing to reload: no tokens and no certificates')
    }
    const renewed = {
      ...this.#readOrLog('tokens', () => readTokensOf(this.#config)),
      ...this.#readOrLog('certificates', () => readTlsOf(this.#config)),
    }
    this.#secrets = { ...this.#secrets, ...renewed }
    return renewed
  }

  #readOrLog(what: string, read: () => Secrets): Secrets {
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

/** @throws ServerOptionError here, before a worker gets invalid certificates */
function readTlsOf({ tlsCert, tlsKey, tlsCa, tlsRequireClientCert }: Config): Secrets {
  if (tlsCert === undefined || tlsKey === undefined) return {}
  const ca = tlsCa === undefined ? {} : { ca: readFileSync(tlsCa) }
  const tls = { cert: readFileSync(tlsCert), key: readFileSync(tlsKey), ...ca, requireClientCert: tlsRequireClientCert }
  validateOptions({ tls })
  return { tls }
}

/** @throws ExitError that names the flag */
function readOrExit(flags: string, read: () => Secrets): Secrets {
  try {
    return read()
  } catch (error) {
    const isOfInput = error instanceof OptionError || error instanceof ServerOptionError || isSystemError(error)
    if (!isOfInput) throw error
    const which = error instanceof ServerOptionError ? '--tls-cert' : flags
    throw new ExitError(ExitStatus.usage, `${which}: ${textOf(error)}`)
  }
}

/** Without the library's name of the option, which is not the name of a flag. */
function textOf(error: unknown): string {
  return error instanceof ServerOptionError ? error.problem : errorText(error)
}
