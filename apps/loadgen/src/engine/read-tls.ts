import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { messageOf, OptionError } from '@demo/cli'
import type { ClientTls } from '@demo/client-sim'
import type { RunOptions } from './options.ts'
import { readInput } from './read-input.ts'

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

type TlsOptions = Pick<RunOptions, 'tls' | 'tlsCa' | 'tlsCert' | 'tlsKey' | 'tlsServername' | 'tlsInsecure'>

/** Whether any option of TLS is set. */
export function usesTls({ tls, tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure }: TlsOptions): boolean {
  return [tls, tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure].some(Boolean)
}

/**
 * Reads and checks the files of TLS. Without the check each connection would fail with an error that does not name the
 * file.
 *
 * @returns undefined if no TLS option is set
 * @throws OptionError if options do not go together or a file is invalid
 */
export async function readTls(options: RunOptions): Promise<ClientTls | undefined> {
  const { tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure } = options
  if (!usesTls(options)) return undefined
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new OptionError('--tls-cert and --tls-key need each other: one of them is missing')
  }
  const [ca, cert, key] = await Promise.all([
    readPem('--tls-ca', tlsCa),
    readPem('--tls-cert', tlsCert),
    readPem('--tls-key', tlsKey),
  ])
  if (ca !== undefined) checkCertificates('--tls-ca', String(tlsCa), ca)
  if (cert !== undefined) checkCertificates('--tls-cert', String(tlsCert), cert)
  if (cert !== undefined && key !== undefined) checkKey(cert, key, String(tlsKey))
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tlsServername === undefined ? {} : { servername: tlsServername }),
    ...(tlsInsecure === true ? { rejectUnauthorized: false } : {}),
  }
}

async function readPem(flag: string, file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : (await readInput(flag, file)).toString()
}

function checkCertificates(flag: string, file: string, pem: string): void {
  const certificates = pem.match(CERTIFICATE) ?? []
  if (certificates.length === 0) {
    throw new OptionError(`invalid ${flag} '${file}': expected a certificate as PEM, found none`)
  }
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    } catch (error) {
      throw new OptionError(`invalid ${flag} '${file}': can't read a certificate in it: ${messageOf(error)}`)
    }
  }
}

function checkKey(cert: string, key: string, file: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new OptionError(`invalid --tls-key '${file}': ${messageOf(error)}`)
  }
}
