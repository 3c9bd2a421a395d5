import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@demo/testkit/ports'
import { Program } from '@demo/testkit/program'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { beforeEach, describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { MAIN, startLoadgen } from './demo-loadgen.ts'

const SMALL = ['--warmup', 0, '--amount', 200, '--connections', 2, '--window', 5, '--quiet'] as const

let port: number
beforeEach(async () => {
  ;({ port } = await startDemoServer())
})

/** A line of a real shell, in which `loadgen` is the program. Its status is that of `loadgen`, wherever it stands. */
function shell(line: string, folder: string): Program {
  const command = `cd '${folder}'; loadgen() { '${process.execPath}' '${MAIN}' "$@"; }; ${line}; exit "\${PIPESTATUS[0]}"`
  return new Program('bash', ['-c', command])
}

const words = (...args: readonly (string | number)[]) => args.map((arg) => `'${arg}'`).join(' ')

describe('a reader of standard output that goes', () => {
  const passed = { threshold: 'acks==200', status: 0 }
  const crossed = { threshold: 'acks==201', status: 99 }

  it.each([
    { name: '| true', line: '| true', output: [], ...passed },
    { name: '| true, crossed', line: '| true', output: [], ...crossed },
    { name: '| head -1', line: '| head -1', output: [], ...passed },
    { name: '| head -1, crossed', line: '| head -1', output: [], ...crossed },
    { name: '--json - | head -c 1', line: '| head -c 1', output: ['--json', '-'], ...crossed },
    { name: '--csv - | true', line: '| true', output: ['--csv', '-'], ...crossed },
    { name: 'no standard output at all', line: '>&-', output: [], ...crossed },
  ])('loses no file and no verdict: $name', async ({ line, output, threshold, status }) => {
    const folder = temporaryFolder()
    const files = [
      '--html',
      'run.html',
      '--hgrm',
      'run.hgrm',
      ...(output[0] === '--json' ? [] : ['--json', 'run.json']),
    ]
    const args = words('--port', port, ...SMALL, ...files, ...output, '--threshold', threshold)
    const program = shell(`loadgen ${args} ${line}`, folder)
    expect(await program.exit()).toEqual({ status, signal: null })
    expect(program.stderr).not.toMatch(/EPIPE|^ +at /m)
    expect(readFileSync(join(folder, 'run.html'), 'utf8')).toMatch(/<\/html>\s*$/)
    expect(readFileSync(join(folder, 'run.hgrm'), 'utf8')).toContain('Total count')
    if (existsSync(join(folder, 'run.json'))) {
      expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ acks: 200 })
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.skipIf(!existsSync('/dev/full')).each([
    { threshold: 'acks==200', status: 1 },
    { threshold: 'acks==201', status: 99 },
  ])('where it is full one line says so, and it is no success: $threshold', async ({ threshold, status }) => {
    const folder = temporaryFolder()
    const args = words('--port', port, ...SMALL, '--json', 'run.json', '--threshold', threshold)
    const program = shell(`loadgen ${args} >/dev/full`, folder)
    expect(await program.exit()).toEqual({ status, signal: null })
    expect(program.stderrLines).toEqual([
      expect.stringMatching(/^demo-loadgen: can't write to standard output: ENOSPC/),
    ])
    expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ acks: 200 })
  })

  it('is quiet of the other commands too', async () => {
    for (const line of ['--help | true', 'completion bash | true', 'compare --help | head -1']) {
      const program = shell(`loadgen ${line}`, temporaryFolder())
      expect(await program.exit(), line).toEqual({ status: 0, signal: null })
      expect(program.stderr).toBe('')
    }
  })
})

describe('a file of results', () => {
  const OLD = '{"old":"baseline"}'

  it('is the old one, whole, where the new one finds no room; the message names it, and nothing is left behind', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'run.json'), OLD)
    // No file of this shell can be longer than 1 KiB.
    const args = words('--port', port, ...SMALL, '--json', 'run.json', '--threshold', 'acks==200')
    const program = shell(`ulimit -f 1; loadgen ${args} | cat`, folder)
    await program.exit()
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe(OLD)
    expect(readdirSync(folder)).toEqual(['run.json'])
    expect(program.stderrLines).toEqual([expect.stringMatching(/^demo-loadgen: can't write run\.json: EFBIG/)])
  })

  it.skipIf(!canMount())('is the old one on a disk that is full, and the others are written', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'full'))
    const args = words(
      '--port',
      port,
      ...SMALL,
      '--json',
      'full/run.json',
      '--csv',
      'run.csv',
      '--html',
      'full/run.html',
      // Without these the JSON has about 4 KiB, and sometimes fits into a page.
      '--percentiles',
      Array.from({ length: 99 }, (_, i) => i + 1).join(','),
    )
    const inside = [
      // Two pages: one for the old result, and one that no new result fits into.
      'mount -t tmpfs -o size=8k none full',
      `printf '%s' '${OLD}' > full/run.json`,
      `node='${process.execPath}'; "$node" '${MAIN}' ${args}; status=$?`,
      'cat full/run.json >&2; echo >&2; ls -A full >&2; exit $status',
    ].join('; ')
    const program = new Program('unshare', ['-rm', 'bash', '-c', `cd '${folder}'; ${inside}`])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const [complaint, ...rest] = program.stderrLines
    expect(complaint).toMatch(
      /^demo-loadgen: can't write full\/run\.json: ENOSPC.*; can't write full\/run\.html: ENOSPC/,
    )
    expect(rest).toEqual([OLD, 'run.json'])
    expect(readFileSync(join(folder, 'run.csv'), 'utf8')).toMatch(/^atSeconds,/)
    expect(program.stdout).toMatch(/^throughput/m)
  })

  it('stays what it was: a link, with its permissions; and a pipe is written to', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'real.json'), OLD, { mode: 0o640 })
    symlinkSync('real.json', join(folder, 'link.json'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const args = words('--port', port, ...SMALL, '--json', 'link.json', '--csv', 'pipe')
    const program = shell(
      `cat pipe > read & loadgen ${args}; status=$?; wait; stat -c %a real.json; test -L link.json && (exit $status)`,
      folder,
    )
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toMatch(/^640$/m)
    expect(JSON.parse(readFileSync(join(folder, 'real.json'), 'utf8'))).toMatchObject({ acks: 200 })
    expect(readFileSync(join(folder, 'read'), 'utf8')).toMatch(/^atSeconds,/)
  })

  it.each([
    {
      name: 'one name',
      args: ['--json', 'run', '--html', 'run'],
      expected: '--json and --html are the same file: run',
    },
    { name: 'two ways', args: ['--json', 'run', '--html', './run'], expected: 'the same file: run and ./run' },
    { name: 'a link', args: ['--json', 'there', '--csv', 'link'], expected: 'the same file: there and link' },
    {
      name: 'a link to what is not there yet',
      args: ['--json', 'new', '--csv', 'dangling'],
      expected: 'the same file',
    },
    { name: 'a hard link', args: ['--json', 'there', '--csv', 'hard'], expected: 'the same file' },
    { name: 'a link on the way', args: ['--json', 'sub/run', '--csv', 'sublink/run'], expected: 'the same file' },
    {
      name: 'the second file of --hgrm',
      args: ['--hgrm', 'a.hgrm', '--json', 'a.service.hgrm'],
      expected: 'the same file',
    },
    {
      name: 'standard output',
      args: ['--json', '-', '--csv', '-'],
      expected: '--json and --csv exclude each other on standard output',
    },
    { name: 'a folder', args: ['--json', 'sub'], expected: "can't write sub: it is a folder" },
    { name: 'no folder', args: ['--json', 'nowhere/run'], expected: "can't write nowhere/run: ENOENT" },
  ])(
    'that another output has too, or that is invalid, is one line and exit status 2: $name',
    async ({ args, expected }) => {
      const folder = temporaryFolder()
      mkdirSync(join(folder, 'sub'))
      symlinkSync('sub', join(folder, 'sublink'))
      writeFileSync(join(folder, 'there'), OLD)
      symlinkSync('there', join(folder, 'link'))
      symlinkSync('./new', join(folder, 'dangling'))
      linkSync(join(folder, 'there'), join(folder, 'hard'))
      const program = shell(`loadgen ${words('--port', await freePort(), ...args)}`, folder)
      expect(await program.exit()).toEqual({ status: 2, signal: null })
      expect(program.stderrLines).toEqual([expect.stringContaining(expected)])
      expect(readFileSync(join(folder, 'there'), 'utf8')).toBe(OLD)
    },
  )

  it('may be /dev/null, for as many as there are', async () => {
    const program = startLoadgen(['--port', port, ...SMALL, '--json', '/dev/null', '--html', '/dev/null'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
  })
})

/** Whether a file system can be mounted here, in a namespace of its own. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
