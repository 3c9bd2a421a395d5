import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { PipeliningPeer } from '@demo/testkit/pipelining-peer'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { waitFor } from '@demo/testkit/wait-for'
import { filler, submit, submitAcks } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { STEPS } from '../bench/peers/catalogue.ts'
import { isInstalled, prepare, type ReadyPeer } from '../bench/peers/prepare.ts'
import { selfTimes } from '../bench/steps/cpu-profile.ts'
import { PATIENCE_FOR_BENCH, runBench } from './bench.ts'

const NAMES = ['naive', 'one-write', 'cursor', 'demo-server']

describe.each(prepare(STEPS).ready)('$peer.name', (step) => {
  /** Requests whose payloads are of many lengths, none included. */
  const requests = Array.from({ length: 300 }, (_, i) => submit(i + 1, filler((i * 7) % 90)))
  const bytes = Buffer.from(requests.join(''), 'hex')

  it.each([bytes.length, 1000, 37, 1])('answers every request once, in order, by pieces of %i bytes', async (size) => {
    const answers = await ask(await start(step), bytes, size, requests.length * 14)
    expect(answers.toString('hex')).toBe(submitAcks(1, requests.length))
  })

  it('goes on answering, on many connections at once', async () => {
    const port = await start(step)
    const peers = Array.from({ length: 5 }, () => new PipeliningPeer(port, 100))
    await waitFor(
      () => peers.every(({ answers }) => answers >= 2000),
      () => `for 2000 answers each: ${peers.map(({ answers }) => answers)}`,
    )
    for (const { received, answers } of peers) {
      expect(received.subarray(0, answers * 14).toString('hex')).toBe(submitAcks(1, answers))
    }
  })

  it('closes the connection of whoever sends no frames, and serves the others', async () => {
    const port = await start(step)
    await expect(ask(port, Buffer.alloc(64), 64, 14)).rejects.toThrow('closed')
    expect(await ask(port, Buffer.from(submit(1), 'hex'), 13, 14)).toEqual(Buffer.from(submitAcks(1, 1), 'hex'))
  })
})

async function start({ start }: ReadyPeer): Promise<number> {
  const server = await start()
  onTestFinished(() => server.stop())
  return server.port
}

/** Sends bytes in pieces; what came back once it is so much. */
function ask(port: number, bytes: Buffer, size: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    onTestFinished(() => void socket.destroy())
    let received = Buffer.alloc(0)
    const send = (at: number) => {
      if (at >= bytes.length) return
      // The next only when this one is with the system, so that pieces stay pieces where the system lets them.
      socket.write(bytes.subarray(at, at + size), () => send(at + size))
    }
    socket.once('connect', () => send(0))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= length) resolve(received)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })
}

const reason = isInstalled('cc') ? '' : ' (skipped: cc is not installed)'
describe.skipIf(reason !== '')(`pnpm bench:steps${reason}`, { timeout: PATIENCE_FOR_BENCH }, () => {
  it('measures and profiles each step, prints the tables, and writes them into the document', async () => {
    const docs = temporaryFolder()
    const sections = ['steps', ...NAMES.map((name) => `profile of ${name}`)]
    const marked = sections.map((name) => `<!-- generated: ${name} -->\n<!-- /generated: ${name} -->\n`)
    mkdirSync(docs, { recursive: true })
    writeFileSync(join(docs, 'performance.md'), `before\n${marked.join('between\n')}after\n`)

    const { status, stdout, stderr } = await runBench('steps', [
      ...['--rounds', '1', '--windows', '1000', '--duration', '300ms', '--warmup', '100ms', '--docs', docs],
    ])
    expect({ status, stderr }).toMatchObject({ status: 0 })

    const document = readFileSync(join(docs, 'performance.md'), 'utf8')
    expect(document).toMatch(/^before\n/)
    expect(document).toMatch(/\nafter\n$/)
    for (const [i, name] of ['Node, naive', 'Node, one write', 'Node, cursor', 'demo-server'].entries()) {
      const row = new RegExp(`^\\| ${i + 1}\\. ${name} \\| [\\d.]+ [kM] \\(\\d\\.\\d\\d\\) \\|$`, 'm')
      expect(stdout).toMatch(row)
      expect(document).toMatch(row)
    }
    for (const name of NAMES) {
      const [, profile = ''] = new RegExp(`<!-- generated: profile of ${name} -->\n([^<]*)`).exec(document) ?? []
      expect(profile, name).toMatch(/^\| \d+ % \| `[^`]+` \|/m)
      expect(stdout).toContain(profile)
    }
    expect(readFileSync(join(docs, 'images/steps.svg'), 'utf8')).toContain('>demo-server<')
  })
})

describe('selfTimes', () => {
  const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url, lineNumber: 6 } })
  const profile = {
    nodes: [
      node(1, '(idle)'),
      node(2, 'writeBuffer'),
      node(3, 'receive', 'file:///x/node/3-cursor.mjs'),
      node(4, '', 'file:///x/node/3-cursor.mjs'),
      node(5, '#work', 'file:///x/packages/server/dist/index.js'),
    ],
    startTime: 1000,
    samples: [2, 1, 3, 3, 4, 5, 2],
    timeDeltas: [100, 100, 100, 100, 100, 100, 400],
  }

  it('adds up what each function took itself, of the time in which the processor was busy', () => {
    expect(selfTimes(profile, 0, 10_000)).toEqual([
      { name: 'writeBuffer', share: 500 / 900 },
      { name: 'receive 3-cursor.mjs:7', share: 200 / 900 },
      { name: '3-cursor.mjs:7', share: 100 / 900 },
      { name: '#work @demo/server', share: 100 / 900 },
    ])
  })

  it('leaves out what was before and after', () => {
    expect(selfTimes(profile, 1250, 1450)).toEqual([{ name: 'receive 3-cursor.mjs:7', share: 1 }])
  })
})
