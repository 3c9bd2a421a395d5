import { conn, connAck, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'
import { guarded, hex, letsIn, sha256 } from './token-guard.ts'

const TOKEN = 'correct-horse-battery-staple'
const OTHER = 'tr0ub4dor-and-3'

describe('a file of tokens', () => {
  it('may have hashes, comments, blank lines, space around a token, and the ends of lines of Windows', async () => {
    const lines = ['# who may get in', '', 'plain', '  spaced out\t', `sha256:${sha256('lower')}`, '   ', '  # not me']
    const server = await guarded(`\uFEFFfirst\r\n${lines.join('\r\n')}\r\nsha256:${sha256('UPPER').toUpperCase()}`)
    for (const token of ['first', 'plain', 'spaced out', 'lower', 'UPPER'])
      expect(await letsIn(server, token)).toBe(true)
    const others = ['# who may get in', '# not me', 'not me', '', ' ', 'plain\r', 'spaced', `sha256:${sha256('lower')}`]
    for (const token of others) expect(await letsIn(server, token), JSON.stringify(token)).toBe(false)
  })

  it.each([
    { what: 'a hash that is too short', text: `a\n\nsha256:${sha256(TOKEN).slice(1)}\n`, line: 3 },
    { what: 'a hash that is too long', text: `sha256:${sha256(TOKEN)}0`, line: 1 },
    { what: 'a hash that is none', text: `# one\r\nsha256:${TOKEN}\r\n`, line: 2 },
  ])('ends the start with one line that names it, and nothing of what is in it: $what', async ({ text, line }) => {
    const file = new Folder().write('tokens', text)
    const said = await complaint(startDemoServerProgram(['--auth-tokens-file', file]), 2)
    expect(said).toContain(`--auth-tokens-file: ${file}:${line}: `)
    for (const secret of [TOKEN, sha256(TOKEN).slice(1, 20)]) expect(said).not.toContain(secret)
  })

  it.each([
    { what: 'nothing is in it', text: '' },
    { what: 'it has only comments', text: '# nobody\n\n   \n#\n' },
  ])('ends the start with one line when $what', async ({ text }) => {
    const file = new Folder().write('tokens', text)
    const said = await complaint(startDemoServerProgram(['--auth-tokens-file', file]), 2)
    expect(said).toContain(`--auth-tokens-file: ${file}: it has no token`)
  })

  it('ends the start with one line when there is none', async () => {
    const file = new Folder().at('missing')
    const said = await complaint(startDemoServerProgram(['--auth-tokens-file', file]), 2)
    expect(said).toContain('--auth-tokens-file: ')
    expect(said).toContain(file)
  })
})

describe('SIGHUP', () => {
  it('reads the tokens again: new ones are accepted, old ones refused, and open connections stay', async () => {
    const folder = new Folder()
    const server = await startDemoServer(['--auth-tokens-file', folder.write('tokens', TOKEN)])
    const peer = await server.connect()
    peer.send(conn(0, hex(TOKEN)))
    await peer.receive(14)
    folder.write('tokens', OTHER)
    expect(await letsIn(server, OTHER), 'it is not read before the signal').toBe(false)
    server.program.signal('SIGHUP')
    expect(await server.untilLogged('reloaded')).toMatchObject([{ level: 30, what: 'tokens' }])
    expect(await letsIn(server, OTHER)).toBe(true)
    expect(await letsIn(server, TOKEN)).toBe(false)
    peer.send(submit(1))
    expect(await peer.receive(28)).toBe(connAck(0) + submitAck(1))
  })

  it('keeps its tokens when the file is invalid, empty or gone, and logs it', async () => {
    const folder = new Folder()
    const file = folder.write('tokens', TOKEN)
    const server = await startDemoServer(['--auth-tokens-file', file])
    const failed = 'reload failed; what was there before is still used'
    for (const [count, text] of ['sha256:short', '', undefined].entries()) {
      if (text === undefined) folder.remove('tokens')
      else folder.write('tokens', text)
      server.program.signal('SIGHUP')
      const lines = await server.untilLogged(failed, count + 1)
      expect(lines[count]).toMatchObject({ level: 50, what: 'tokens', error: expect.stringContaining(file) })
      expect(await letsIn(server, TOKEN)).toBe(true)
      expect(await letsIn(server, 'sha256:short')).toBe(false)
    }
  })
})
