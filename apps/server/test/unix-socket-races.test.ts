import { existsSync, readdirSync, statSync } from 'node:fs'
import type { Program } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { complaint } from './complaint.ts'
import { type DemoServer, listening, startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const ROUNDS = 20

/** Handlers whose import waits for a file, so that many servers go on in the same millisecond. */
const GATE = `
import { existsSync, writeFileSync } from 'node:fs'
writeFileSync(process.env.HERE + process.pid, '')
while (!existsSync(process.env.GO)) {}
export default { onSubmit: () => 0 }
`

/** Starts servers on one path, and lets all of them go on at the same time. */
async function startTogether(folder: Folder, round: number, count: number, path: string): Promise<Program[]> {
  const go = folder.at(`go-${round}`)
  const here = folder.at(`here-${round}-`)
  const flags = ['--listen-path', path, '--handler', folder.write('gate.mjs', GATE), '--metrics-port', '0']
  const environment = { GO: go, HERE: here }
  const programs = Array.from({ length: count }, () => startDemoServerProgram(flags, { environment }))
  await waitFor(
    () => programs.every(({ pid }) => existsSync(here + pid)),
    () => 'for all servers to have started',
    20_000,
  )
  folder.write(`go-${round}`, '')
  return programs
}

/** Waits until each of them listens or has ended. Returns the one that listens, and the exits of the others. */
async function outcome(programs: readonly Program[]): Promise<{ winners: DemoServer[]; complaints: string[] }> {
  const winners: DemoServer[] = []
  const complaints: string[] = []
  for (const program of programs) {
    await program.until('it listens or has ended', () =>
      program.stderr.includes('"listening"') || !program.running ? true : undefined,
    )
    if (program.stderr.includes('"listening"')) winners.push(await listening(program))
    else {
      expect(await program.exit()).toEqual({ status: 3, signal: null })
      complaints.push(program.stderr)
    }
  }
  return { winners, complaints }
}

describe('servers that start on one Unix socket at the same time', () => {
  it('one listens and is reachable, the other fails, also where a killed one left its socket', async () => {
    const folder = new Folder()
    const path = folder.at('socket')
    for (let round = 1; round <= ROUNDS; round++) {
      expect(existsSync(path), 'a socket was left behind').toBe(round > 1)
      const { winners, complaints } = await outcome(await startTogether(folder, round, 2, path))
      expect([winners.length, complaints.length], `round ${round}`).toEqual([1, 1])
      expect(complaints[0]).toContain(`can't listen on ${path}: it is taken`)
      const [winner] = winners
      const peer = await winner?.connect()
      peer?.send(submit(round))
      expect(await peer?.receive(14)).toBe(submitAck(round))
      winner?.program.signal('SIGKILL')
      await winner?.program.exit()
    }
  }, 180_000)

  it('is no matter for servers on other paths of the same folder', async () => {
    const folder = new Folder()
    const servers = await Promise.all(
      ['one', 'two', 'three'].map((name) => startDemoServer(['--listen-path', folder.at(name)])),
    )
    for (const server of servers) {
      const peer = await server.connect()
      peer.send(submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
  })

  it('with workers as well: one of two serves', async () => {
    const folder = new Folder()
    const path = folder.at('socket')
    const killed = await startDemoServer(['--listen-path', path])
    killed.program.signal('SIGKILL')
    await killed.program.exit()
    expect(statSync(path).isSocket(), 'it was left behind').toBe(true)
    const flags = ['--listen-path', path, '--metrics-port', '0', '--workers', '2']
    const { winners, complaints } = await outcome([startDemoServerProgram(flags), startDemoServerProgram(flags)])
    expect([winners.length, complaints.length]).toEqual([1, 1])
    expect(complaints[0]).toContain(`can't listen on ${path}: it is taken`)
    const peer = await winners[0]?.connect()
    peer?.send(submit(1))
    expect(await peer?.receive(14)).toBe(submitAck(1))
  })

  it('a server that is killed before it listens leaves the path to the next', async () => {
    const folder = new Folder()
    const path = folder.at('socket')
    const here = folder.at('here-')
    const flags = ['--listen-path', path, '--metrics-port', '0']
    const waiting = startDemoServerProgram([...flags, '--workers', '2', '--handler', folder.write('gate.mjs', GATE)], {
      environment: { GO: folder.at('go'), HERE: here },
    })
    onTestFinished(() => {
      if (existsSync(folder.path)) folder.write('go', '')
    })
    await waitFor(
      () => readdirSync(folder.path).some((name) => name.startsWith('here-')),
      () => 'for a worker to load its handlers',
      20_000,
    )
    const line = await complaint(startDemoServerProgram(flags), 3)
    // The first process has bound the socket, before its workers have loaded their handlers.
    expect(line).toContain(`can't listen on ${path}: it is taken`)
    waiting.signal('SIGKILL')
    // Its worker keeps its pipes open until the handlers are loaded.
    folder.write('go', '')
    await waiting.exit()
    const server = await startDemoServer(['--listen-path', path])
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('a server that drains leaves the path to the next', async () => {
    const path = new Folder().at('socket')
    const before = await startDemoServer(['--listen-path', path, '--linger-timeout', '20s', '--drain-timeout', '20s'])
    const open = await before.connect({ holdsOn: true })
    open.send(submit(1))
    expect(await open.receive(14)).toBe(submitAck(1))
    before.program.signal('SIGTERM')
    await waitFor(
      () => !existsSync(path),
      () => 'for the path to be free',
    )
    const after = await startDemoServer(['--listen-path', path])
    expect(before.program.running).toBe(true)
    open.end()
    expect(await before.program.exit()).toEqual({ status: 0, signal: null })
    const peer = await after.connect()
    peer.send(submit(2))
    expect(await peer.receive(14)).toBe(submitAck(2))
  })
})
