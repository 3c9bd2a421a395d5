import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { expect, test } from 'vitest'
import { runLoad } from './demo-loadgen.ts'
import { startOddServer } from './odd-server.ts'

/** The payloads that a server gets over one connection, as text, in order. */
async function payloadsOf(args: readonly (string | number)[], amount: number): Promise<string[]> {
  const payloads: string[] = []
  const port = await startOddServer((socket) => {
    let left = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      left = Buffer.concat([left, chunk])
      while (left.length >= 4 && left.length >= left.readUInt32BE(0)) {
        const frame = left.subarray(0, left.readUInt32BE(0))
        left = left.subarray(frame.length)
        payloads.push(frame.toString('utf8', 13))
        socket.write(Buffer.concat([Buffer.from('0000000e82', 'hex'), frame.subarray(5, 13), Buffer.alloc(1)]))
      }
    })
  })
  const shape = ['--connections', 1, '--window', 7, '--amount', amount]
  const { status } = await runLoad(port, [...shape, ...args])
  expect(status).toBe(0)
  expect(payloads).toHaveLength(amount)
  return payloads
}

test('a size is that of each payload, in words', async () => {
  const payloads = await payloadsOf(['--payload-size', 30], 20)
  expect(new Set(payloads).size).toBe(1)
  expect(payloads[0]).toMatch(/^[a-z]+-[a-z]+ [a-z -]+$/)
  expect(payloads[0]).toHaveLength(30)
})

test('a range is that of the payloads, all sizes alike', async () => {
  const lengths = (await payloadsOf(['--payload-size', '16..24'], 2000)).map(({ length }) => length)
  for (let length = 16; length <= 24; length++) {
    const share = lengths.filter((one) => one === length).length / lengths.length
    expect(share, `${length} bytes`).toBeGreaterThan(0.07)
    expect(share, `${length} bytes`).toBeLessThan(0.16)
  }
  expect(Math.min(...lengths)).toBe(16)
  expect(Math.max(...lengths)).toBe(24)
})

test('words are pairs like firm-iron', async () => {
  const payloads = await payloadsOf(['--payload', 'words'], 300)
  for (const payload of payloads) expect(payload).toMatch(/^[a-z]+-[a-z]+$/)
  expect(new Set(payloads).size).toBeGreaterThan(200)
})

test.each([
  { name: 'sizes', args: ['--payload-size', '0..64'] },
  { name: 'words', args: ['--payload', 'words'] },
])('the same seed gives the same $name, another one others', async ({ args }) => {
  const first = await payloadsOf([...args, '--seed', 7], 100)
  expect(await payloadsOf([...args, '--seed', 7], 100)).toEqual(first)
  expect(await payloadsOf([...args, '--seed', 8], 100)).not.toEqual(first)
})

test.each([
  { name: 'with a last line end', text: 'one\ntwo\r\n\nfour é\n' },
  { name: 'without one', text: 'one\ntwo\r\n\nfour é' },
])('each line of a file is a payload, in turn, and over and over: $name', async ({ text }) => {
  const folder = temporaryFolder()
  const file = join(folder, 'payloads.txt')
  writeFileSync(file, text)
  const lines = ['one', 'two', '', 'four é']
  expect(await payloadsOf(['--payload-file', file], 10)).toEqual([...lines, ...lines, 'one', 'two'])
})

test.each([
  { name: 'a connection that is made anew goes on', args: ['--reconnect-every', 10], amount: 100 },
  { name: 'each connection begins at another one', args: ['--connections', 4], amount: 4 },
  { name: 'that of another worker, too', args: ['--connections', 4, '--workers', 4], amount: 4 },
])('different payloads are sent in turn: $name', async ({ args, amount }) => {
  const folder = temporaryFolder()
  const file = join(folder, 'payloads.txt')
  writeFileSync(file, Array.from({ length: 200 }, (_, i) => `payload ${i}\n`).join(''))
  // One request at a time, so that of four each connection sends one.
  const payloads = await payloadsOf(['--payload-file', file, '--window', 1, ...args], amount)
  expect(new Set(payloads).size).toBe(amount)
})
