import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

describe('--listen-path', () => {
  it('serves on a Unix socket, logs its path, and removes it at the end', async () => {
    const path = new Folder().at('socket')
    const server = await startDemoServer(['--listen-path', path])
    expect(server.log).toMatchObject([{ msg: 'listening', path, metricsPort: expect.any(Number) }])
    expect(server.log[0]).not.toHaveProperty('port')
    const peer = await server.connect()
    peer.send(submits(1, 10))
    expect(await peer.receive(140)).toBe(submitAcks(1, 10))
    server.program.signal('SIGTERM')
    expect(await peer.receiveAll()).toBe(submitAcks(1, 10))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.logged('connection closed')).toMatchObject([{ reason: 'draining', requests: 10 }])
    expect(existsSync(path)).toBe(false)
  })

  it('has no limit for each address: there is none', async () => {
    const server = await startDemoServer(['--listen-path', new Folder().at('socket'), '--max-connections-per-ip', '1'])
    const peers = [await server.connect(), await server.connect()]
    for (const peer of peers) peer.send(submit(1))
    for (const peer of peers) expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('replaces a socket whose process was killed', async () => {
    const path = new Folder().at('socket')
    const killed = await startDemoServer(['--listen-path', path])
    killed.program.signal('SIGKILL')
    await killed.program.exit()
    expect(statSync(path).isSocket(), 'it was left behind').toBe(true)
    const server = await startDemoServer(['--listen-path', path])
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })

  it('is one line, and exit status 3, when another server listens there, which is not affected', async () => {
    const path = new Folder().at('socket')
    const server = await startDemoServer(['--listen-path', path])
    const before = await server.connect()
    const line = await complaint(startDemoServerProgram(['--listen-path', path, '--metrics-port', '0']), 3)
    expect(line).toContain(`can't listen on ${path}: it is taken`)
    expect(line).toContain('--listen-path')
    for (const peer of [before, await server.connect()]) {
      peer.send(submit(1))
      expect(await peer.receive(14)).toBe(submitAck(1))
    }
  })

  it.each(['a file', 'a folder', 'a link'] as const)(
    'is one line, and exit status 3, when there is %s, which stays as it is',
    async (what) => {
      const folder = new Folder()
      const path = folder.at('precious')
      if (what === 'a file') folder.write('precious', 'dear to me')
      if (what === 'a folder') mkdirSync(path)
      if (what === 'a link') symlinkSync(folder.write('target', 'dear to me'), path)
      const line = await complaint(startDemoServerProgram(['--listen-path', path, '--metrics-port', '0']), 3)
      expect(line).toContain(`can't listen on ${path}: the file there is not a socket`)
      if (what === 'a folder') expect(statSync(path).isDirectory()).toBe(true)
      else expect(readFileSync(path, 'utf8')).toBe('dear to me')
    },
  )

  it.each([
    { what: 'a folder that is missing', name: 'missing/socket', why: 'its folder does not exist' },
    // The path of a socket has at most 107 bytes.
    { what: 'a path that is too long', name: 'x'.repeat(120), why: 'path too long' },
    { what: 'a path that is too long in bytes', name: 'ä'.repeat(50), why: 'path too long' },
  ])('is one line, and exit status 3: $what', async ({ name, why }) => {
    const folder = new Folder()
    const path = folder.at(name)
    const line = await complaint(startDemoServerProgram(['--listen-path', path, '--metrics-port', '0']), 3)
    expect(line).toContain(`can't listen on ${path}: ${why}`)
    if (why === 'path too long')
      expect(line).toContain(`has ${Buffer.byteLength(path)} bytes, a Unix socket's path has`)
    expect(readdirSync(folder.path)).toEqual([])
  })

  it('is refused before any worker serves when the path is too long', async () => {
    const folder = new Folder()
    const path = folder.at('x'.repeat(120))
    const flags = ['--listen-path', path, '--metrics-port', '0', '--workers', '2']
    expect(await complaint(startDemoServerProgram(flags), 3)).toContain(`can't listen on ${path}: path too long`)
    expect(readdirSync(folder.path)).toEqual([])
  })
})
