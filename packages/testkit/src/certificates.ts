import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0])

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR = 3_600_000

/** A certificate and its private key, in PEM. */
export interface Credentials {
  readonly cert: string
  readonly key: string
}

/** An authority that signs certificates. */
export interface Authority extends Credentials {
  /** Makes a certificate for 127.0.0.1 and localhost. By default it is valid from an hour ago to an hour from now. */
  sign(name: string, validity?: { from?: number; to?: number }): Promise<Credentials>
}

let serial = 0

/** Makes an authority with a key of its own. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await createKeys()
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...common(name, -HOUR, HOUR),
    name: `CN=${name}`,
    keys,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  })
  const sign = async (subject: string, { from = -HOUR, to = HOUR } = {}): Promise<Credentials> => {
    const { publicKey, privateKey } = await createKeys()
    const certificate = await X509CertificateGenerator.create({
      ...common(subject, from, to),
      subject: `CN=${subject}`,
      issuer: authority.subject,
      publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new SubjectAlternativeNameExtension([
          { type: 'ip', value: '127.0.0.1' },
          { type: 'dns', value: 'localhost' },
        ]),
      ],
    })
    return { cert: certificate.toString('pem'), key: await pemOf(privateKey) }
  }
  return { cert: authority.toString('pem'), key: await pemOf(keys.privateKey), sign }
}

function common(name: string, from: number, to: number) {
  serial += 1
  const now = Date.now()
  return {
    serialNumber: `${Buffer.from(name).toString('hex')}0${serial % 10}`,
    notBefore: new Date(now + from),
    notAfter: new Date(now + to),
    signingAlgorithm: ALGORITHM,
  }
}

function createKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${base64.replaceAll(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}
