import { conn, connAck, submit, submitAck, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { type DemoServer, startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

/** Answers by the last digit of the ID. */
const ALL_SORTS = `export default {
  onSubmit({ id }) {
    switch (id.at(-1)) {
      case '1': return
      case '2': return 1
      case '3': throw new Error('three is a crowd')
      case '4': return new Promise((resolve) => setTimeout(resolve, 50))
      case '5': return Promise.resolve(1)
      case '6': return Promise.reject(new Error('six'))
      case '7': return 'seven'
      default: return 0
    }
  },
}`

/** A class whose handlers need `this`, because they use private fields. */
const CLASS = `class Handlers {
  #calls = []
  #say(what) { this.#calls.push(what); console.log(this.#calls.join(' ')) }
  onOpen() { this.#say('open') }
  onConn(conn) { this.#say('conn'); return conn.payload.length > 0 ? 0 : 1 }
  onSubmit() { this.#say('submit'); throw new Error('on purpose') }
  onError(error) { this.#say(error.message) }
  onClose(session, reason) { this.#say(reason) }
}
export default new Handlers()`

/** The rest of a module with a long import. */
const AND_WAITS = `await new Promise((resolve) => setTimeout(resolve, 60_000))
export default { onSubmit() {} }`

describe('--handler', () => {
  it('answers with what the handlers return, throw or promise, each once', async () => {
    const server = await startWith(ALL_SORTS)
    const peer = await server.connect()
    peer.end(submits(1, 8))
    const answers = (await peer.receiveAll()).match(/.{28}/g) ?? []
    const expected = [0, 1, 1, 0, 1, 1, 1, 0].map((result, at) => submitAck(at + 1, result))
    expect(answers.toSorted()).toEqual(expected)
    const failures = server.logged('a handler failed')
    expect(failures.map(({ error }) => error)).toEqual([
      'Error: three is a crowd',
      expect.stringContaining('"seven"'),
      'Error: six',
    ])
    for (const line of failures) expect(line).toMatchObject({ level: 50, session: 1 })
    expect((await server.scrape()).value('results_total{result="failure"}')).toBe(5)
  })

  it('calls all of them, also those of a class that need their this', async () => {
    const server = await startWith(CLASS)
    const peer = await server.connect()
    peer.end(conn(1, 'ab') + submit(2))
    expect(await peer.receiveAll()).toBe(connAck(1) + submitAck(2, 1))
    const all = 'open conn submit on purpose peer-closed'
    const said = await server.program.until('it says so', () => server.program.stdoutLines.find((line) => line === all))
    expect(said).toBe(all)
    expect(server.logged('a handler failed')).toHaveLength(1)
    expect(await server.untilLogged('connection closed')).toMatchObject([{ reason: 'peer-closed', requests: 2 }])
  })

  it('requires a Conn if there is an onConn, and closes a client that it refuses', async () => {
    const server = await startWith(CLASS)
    const refused = await server.connect()
    refused.send(conn(1) + submit(2))
    expect(await refused.receiveAll()).toBe(connAck(1, 1))
    const hasty = await server.connect()
    hasty.send(submit(1))
    expect(await hasty.receiveAll()).toBe('')
    const reasons = (await server.untilLogged('connection closed', 2)).map(({ reason }) => reason)
    expect(reasons).toEqual(['unauthorized', 'packet-error'])
  })

  it.each([
    { what: 'a relative path, from where the program is started', path: './here.mjs', file: 'here.mjs' },
    { what: 'one that looks like a package', path: 'here.mjs', file: 'here.mjs' },
    { what: 'characters that mean something in a URL', path: 'a b#c?d%20.mjs', file: 'a b#c?d%20.mjs' },
    { what: 'CommonJS', path: 'here.cjs', file: 'here.cjs', text: 'module.exports = { onSubmit: () => 1 }' },
  ])('takes $what', async ({ path, file, text = 'export default { onSubmit: () => 1 }' }) => {
    const folder = new Folder()
    folder.write(file, text)
    const server = await startDemoServer(['--handler', path], { folder: folder.path })
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1, 1))
  })
})

describe('a handler that keeps a packet', () => {
  const KEEPER = `const kept = []
  export default {
    onSubmit(submit) {
      kept.push(submit)
      if (kept.length === 2) console.log(kept.map(({ id }) => id).join(' '))
    },
  }`

  it.each([
    { flags: [], said: '00000001 00000002' },
    { flags: ['--reuse-read-buffer'], said: '00000002 00000002' },
  ])('finds it $flags as $said', async ({ flags, said }) => {
    const server = await startWith(KEEPER, flags)
    const peer = await server.connect()
    peer.send(submit(1))
    await peer.receive(14)
    peer.send(submit(2))
    await peer.receive(28)
    await server.program.until('it says so', () => server.program.stdoutLines.find((line) => line === said))
  })
})

describe('a module that is none', () => {
  it.each([
    { what: 'no JavaScript', text: 'export default {', said: "can't be imported" },
    { what: 'text', text: 'once upon a time', said: "can't be imported" },
    { what: 'one that throws', text: 'throw new Error("no\\nline")', said: "can't be imported: no line" },
    { what: 'one that throws no error', text: 'throw "up"', said: "can't be imported: 'up'" },
    { what: 'one that throws nothing', text: 'throw undefined', said: "can't be imported: undefined" },
    { what: 'one that throws what has no name', text: 'throw Object.create(null)', said: "can't be imported" },
    {
      what: 'one that is rejected',
      text: 'await Promise.reject(new Error("later"))',
      said: "can't be imported: later",
    },
    {
      what: 'one that throws in a timer',
      text: `setTimeout(() => { throw new Error("in a timer") })\n${AND_WAITS}`,
      said: "can't be imported: in a timer",
    },
    {
      what: 'one that throws again and again',
      text: `setInterval(() => { throw new Error("again") })\n${AND_WAITS}`,
      said: "can't be imported: again",
    },
    {
      what: 'one with an unhandled rejection',
      text: `Promise.reject(new Error("unheard"))\n${AND_WAITS}`,
      said: "can't be imported: unheard",
    },
    { what: 'one that ends the process', text: 'process.exit(0)', said: 'it ended the process while it was imported' },
    {
      what: 'one that ends it later',
      text: `setTimeout(() => process.exit())\n${AND_WAITS}`,
      said: 'it ended the process while it was imported',
    },
    { what: 'one that imports what is not there', text: 'import "no-such-package"', said: 'no-such-package' },
    { what: 'no default export', text: 'export const onSubmit = () => 0', said: 'export default { onSubmit' },
    { what: 'a function', text: 'export default () => 0', said: 'export default { onSubmit' },
    { what: 'a class instead of one of it', text: 'export default class { onSubmit() {} }', said: 'export default {' },
    { what: 'null', text: 'export default null', said: 'export default { onSubmit' },
    { what: 'no onSubmit', text: 'export default { onConn() {} }', said: 'no function onSubmit' },
    { what: 'an onSubmit that is none', text: 'export default { onSubmit: 0 }', said: 'no function onSubmit' },
    { what: 'an onConn that is none', text: 'export default { onSubmit() {}, onConn: true }', said: 'onConn' },
    { what: 'an onOpen that is null', text: 'export default { onSubmit() {}, onOpen: null }', said: 'onOpen' },
  ])('ends the start with one line that names it: $what', async ({ text, said }) => {
    const path = new Folder().write('handlers.mjs', text)
    const line = await complaint(startDemoServerProgram(['--handler', path, '--metrics-port', '0']), 2)
    expect(line).toContain(`--handler ${path}: `)
    expect(line).toContain(said)
  })

  it.each([
    { what: 'ends the process', text: 'process.exit(0)' },
    { what: 'throws in a timer', text: `setTimeout(() => { throw new Error("late") })\n${AND_WAITS}` },
  ])('ends the start of workers with one line as well: one that $what', async ({ text }) => {
    const path = new Folder().write('handlers.mjs', text)
    const flags = ['--handler', path, '--workers', '2', '--port', '0', '--metrics-port', '0']
    expect(await complaint(startDemoServerProgram(flags), 2)).toContain(`--handler ${path}: `)
  })

  it('ends the server with status 1 and lines of the log when it throws after its import, at once', async () => {
    const text = 'setImmediate(() => { throw new Error("out of the blue") })\nexport default { onSubmit() {} }'
    const path = new Folder().write('handlers.mjs', text)
    const program = startDemoServerProgram(['--handler', path, '--port', '0', '--metrics-port', '0'])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const lines = program.stderrLines.map((line): unknown => JSON.parse(line))
    expect(lines).toContainEqual(expect.objectContaining({ level: 60, msg: 'unexpected error' }))
  })

  it('ends a check with the same line as a start', async () => {
    const path = new Folder().write('handlers.mjs', 'export default {}')
    const line = await complaint(startDemoServerProgram(['--handler', path]), 2)
    expect(await complaint(startDemoServerProgram(['--handler', path, '--check-config']), 2)).toBe(line)
  })

  it.each(['missing.mjs', '.'])('ends the start with one line that names it: %s', async (name) => {
    const path = new Folder().at(name)
    const line = await complaint(startDemoServerProgram(['--handler', path]), 2)
    expect(line).toContain(`--handler ${path}: it can't be imported: `)
  })

  it('has a time limit for its import', async () => {
    const path = new Folder().write('handlers.mjs', 'await new Promise(() => {})\nexport default { onSubmit() {} }')
    const program = startDemoServerProgram(['--handler', path])
    expect(await program.exit(25_000)).toEqual({ status: 2, signal: null })
    expect(program.stderr).toBe(`demo-server: --handler ${path}: it can't be imported: it took longer than 10 s\n`)
  })
})

function startWith(text: string, flags: readonly string[] = []): Promise<DemoServer> {
  return startDemoServer(['--handler', new Folder().write('handlers.mjs', text), ...flags])
}
