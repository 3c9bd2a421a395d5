import { type Credentials, createAuthority } from '@demo/testkit/certificates'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const authority = await createAuthority('ours')
const first = await authority.sign('first')
const second = await authority.sign('second')

describe('flags of TLS', () => {
  it.each([
    { args: ['--tls-cert', 'a'], said: '--tls-cert needs --tls-key' },
    { args: ['--tls-key', 'a'], said: '--tls-key needs --tls-cert' },
    { args: ['--tls-ca', 'a'], said: '--tls-ca needs --tls-cert and --tls-key' },
    { args: ['--tls-require-client-cert'], said: '--tls-require-client-cert needs --tls-ca' },
    {
      args: ['--tls-cert', 'a', '--tls-key', 'b', '--tls-require-client-cert'],
      said: '--tls-require-client-cert needs --tls-ca',
    },
  ])('that need each other are missed in one line: $args', async ({ args, said }) => {
    expect(await complaint(startDemoServerProgram(args), 2)).toContain(said)
  })

  it.each([
    { what: 'a certificate that does not match its key', cert: first.cert, key: second.key },
    { what: 'a certificate that is none', cert: first.key, key: first.key },
    { what: 'a key that is none', cert: first.cert, key: first.cert },
    { what: 'a key that was cut off', cert: first.cert, key: first.key.slice(0, 90) },
    { what: 'an empty certificate', cert: '', key: first.key },
    { what: 'a key that is missing', cert: first.cert, key: undefined },
    { what: 'a certificate that is missing', cert: undefined, key: first.key },
    { what: 'an authority that is none', cert: first.cert, key: first.key, ca: first.key },
    { what: 'an empty authority', cert: first.cert, key: first.key, ca: '' },
    { what: 'an authority that was cut off', cert: first.cert, key: first.key, ca: authority.cert.slice(0, 200) },
    { what: 'an authority that is missing', cert: first.cert, key: first.key, ca: undefined },
  ])('end the start with one line, which has nothing of the key: $what', async (row) => {
    const folder = new Folder()
    const args = Object.entries(row).flatMap(([name, text]) => {
      if (name === 'what') return []
      return [`--tls-${name}`, text === undefined ? folder.at(name) : folder.write(name, text)]
    })
    const said = await complaint(startDemoServerProgram(args), 2)
    expect(said).toMatch(/^demo-server: --tls-cert/)
    expect(keyLines(first, second).filter((text) => said.includes(text))).toEqual([])
  })
})

/** The lines of private keys. */
function keyLines(...credentials: Credentials[]): string[] {
  return credentials.flatMap(({ key }) => key.trim().split('\n').slice(1, -1))
}
