import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'

/** The accepted token. */
export const TOKEN = 'example-token'

/** Files as an operator would provide them, removed at the end of the test. */
export interface Secrets {
  readonly directory: string
  /** The flags with their paths. */
  readonly flags: readonly string[]
}

/** Makes a token and a certificate. Needs `openssl`. */
export function makeSecrets(): Secrets {
  const directory = temporaryFolder()
  const [tokens, cert, key] = ['tokens', 'tls.crt', 'tls.key'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(tokens, `# who may get in\n${TOKEN}\n`)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...curve, ...files, '-days', '1', '-subj', '/CN=localhost'], {
    stdio: 'pipe',
  })
  return { directory, flags: ['--auth-tokens-file', tokens, '--tls-cert', cert, '--tls-key', key] }
}
