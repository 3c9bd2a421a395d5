import { type Credentials, createAuthority } from '@demo/testkit/certificates'
import { connAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { answersOfBoth, countByWorker, eachOnce, killWorker, startWorkers } from './cluster-server.ts'
import type { DemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'
import { connectSecurely } from './secure-peer.ts'

const FAILED = 'reload failed; what was there before is still used'
const LET_IN = [connAck(1), connAck(1)]
const REFUSED = [connAck(1, 1), connAck(1, 1)]

const authority = await createAuthority('ours')
const first = await authority.sign('first')
const second = await authority.sign('second')

describe('a worker that replaces one that died', () => {
  it('uses the tokens that the others use, be their file bad by now', async () => {
    const { server, folder } = await guardedWorkers()
    folder.write('tokens', 'sha256:short')
    server.program.signal('SIGHUP')
    const [line] = await server.untilLogged(FAILED)
    expect(line).toMatchObject({ level: 50, what: 'tokens', pid: server.program.pid })
    await replaceBoth(server)
    expect(await answersOfBoth(server, 'old')).toEqual(LET_IN)
    expect(server.logged(FAILED), 'it is logged once, by the process that reads the file').toHaveLength(1)
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('does not use tokens that were changed without a SIGHUP', async () => {
    const { server, folder } = await guardedWorkers()
    folder.write('tokens', 'new')
    await replace(server, 2)
    expect(await answersOfBoth(server, 'new')).toEqual(REFUSED)
    expect(await answersOfBoth(server, 'old')).toEqual(LET_IN)
  })

  it('uses what was reloaded, and not what was there at the start', async () => {
    const { server, folder } = await guardedWorkers()
    folder.write('tokens', 'new')
    server.program.signal('SIGHUP')
    expect(countByWorker(await server.untilLogged('reloaded', 2))).toEqual({ 1: 1, 2: 1 })
    folder.remove('tokens')
    await replaceBoth(server)
    expect(await answersOfBoth(server, 'old')).toEqual(REFUSED)
    expect(await answersOfBoth(server, 'new')).toEqual(LET_IN)
  })

  it('has the same certificate as the others, also without its files, and no part of an invalid new one', async () => {
    const folder = new Folder()
    const flags = ['--tls-cert', folder.write('cert.pem', first.cert), '--tls-key', folder.write('key.pem', first.key)]
    const server = await startWorkers(2, [...flags, '--tls-ca', folder.write('ca.pem', authority.cert)])
    folder.write('cert.pem', second.cert)
    server.program.signal('SIGHUP')
    expect(await server.untilLogged(FAILED)).toMatchObject([{ what: 'certificates', pid: server.program.pid }])
    for (const name of ['cert.pem', 'key.pem', 'ca.pem']) folder.remove(name)
    await replaceBoth(server)
    expect(await subjectsOfBoth(server)).toEqual(['first', 'first'])
    writePair(folder, second)
    folder.write('ca.pem', authority.cert)
    server.program.signal('SIGHUP')
    expect(countByWorker(await server.untilLogged('reloaded', 2))).toEqual({ 1: 1, 2: 1 })
    expect(await subjectsOfBoth(server)).toEqual(['second', 'second'])
  })
})

describe('a worker that starts while the secrets are reloaded', () => {
  it('uses the new ones', async () => {
    const folder = new Folder()
    const module = folder.write('late.mjs', LATE)
    const { server } = await guardedWorkers(folder, ['--handler', module])
    folder.write('slow', '')
    const killed = killWorker(server, 1)
    await server.program.until('the next is importing', () =>
      server.program.stdout.includes('importing slowly') ? true : undefined,
    )
    folder.write('tokens', 'new')
    server.program.signal('SIGHUP')
    const [line] = await server.untilLogged('reloaded')
    expect(line, 'the other has it').toMatchObject({ worker: 2 })
    folder.remove('slow')
    await server.untilLogged('worker listening', 3)
    expect(await answersOfBoth(server, 'new'), `in place of ${killed}`).toEqual(LET_IN)
    expect(await answersOfBoth(server, 'old')).toEqual(REFUSED)
  })
})

/** Its import waits while a file `slow` exists beside it. */
const LATE = `import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
const slow = new URL('slow', import.meta.url)
if (existsSync(slow)) console.log('importing slowly')
while (existsSync(slow)) await setTimeout(10)
export default { onSubmit() {} }`

/** Two workers with the token `old`, and the folder of its file. */
async function guardedWorkers(folder = new Folder(), flags: readonly string[] = []) {
  const server = await startWorkers(2, ['--auth-tokens-file', folder.write('tokens', 'old'), ...flags])
  return { server, folder }
}

/** Kills a worker, and waits for its replacement. */
async function replace(server: DemoServer, worker: number): Promise<void> {
  const listened = server.logged('worker listening').length
  killWorker(server, worker)
  await server.untilLogged('worker listening', listened + 1)
}

async function replaceBoth(server: DemoServer): Promise<void> {
  for (const worker of [1, 2]) await replace(server, worker)
}

function writePair(folder: Folder, { cert, key }: Credentials): void {
  folder.write('cert.pem', cert)
  folder.write('key.pem', key)
}

/** The subject of the certificate of each of two workers. */
async function subjectsOfBoth(server: DemoServer): Promise<unknown[]> {
  const both = await eachOnce(
    server,
    () => connectSecurely(server, { ca: authority.cert }),
    ({ peer }) => peer.end(),
  )
  for (const { peer } of both) peer.end()
  return both.map(({ socket }) => socket.getPeerCertificate().subject.CN)
}
