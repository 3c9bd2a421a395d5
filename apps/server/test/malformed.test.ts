import { conn, connAck, filler, frame, id, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from './demo-server.ts'

/** Malformed input of a peer after one valid Submit, and the log's error. */
interface Malformed {
  readonly name: string
  readonly bytes: string
  readonly reason: 'frame-error' | 'packet-error'
  readonly error: RegExp
  /** The peer ends its side after these bytes. */
  readonly ends?: boolean
  readonly flags?: readonly string[]
}

const ACK_IN_GO_DEMO = '0000000e81303030303030303100'

const MALFORMED: readonly Malformed[] = [
  ...[0, 1, 3].map((length) => ({
    name: `a totalLength of ${length}`,
    bytes: `0000000${length}`,
    reason: 'frame-error' as const,
    error: new RegExp(`\\b${length} bytes`),
  })),
  { name: 'a totalLength one above the maximum', bytes: '00100001', reason: 'frame-error', error: /1048577.*1048576/ },
  { name: 'the largest totalLength there is', bytes: 'ffffffff', reason: 'frame-error', error: /4294967295/ },
  {
    name: 'the end of the stream inside a header',
    bytes: '000000',
    reason: 'frame-error',
    error: /ended inside/,
    ends: true,
  },
  {
    name: 'the end of the stream after a header',
    bytes: '0000000e',
    reason: 'frame-error',
    error: /ended inside a frame of 14 bytes/,
    ends: true,
  },
  {
    name: 'the end of the stream one byte before the end of a Submit',
    bytes: submit(2, 'abcd').slice(0, -2),
    reason: 'frame-error',
    error: /ended inside a frame of 15 bytes/,
    ends: true,
  },
  { name: 'an empty packet', bytes: '00000004', reason: 'packet-error', error: /empty/ },
  ...['00', '03', '7f', '80', '83', 'ff'].map((command) => ({
    name: `the unknown command 0x${command}`,
    bytes: frame(`${command}${id(2)}`),
    reason: 'packet-error' as const,
    error: new RegExp(`0x${command}`),
  })),
  { name: 'a Submit of 8 bytes', bytes: frame('0230303030303030'), reason: 'packet-error', error: /Submit of 8 bytes/ },
  { name: 'a Submit of 1 byte', bytes: frame('02'), reason: 'packet-error', error: /Submit of 1 byte/ },
  { name: 'a Conn of 8 bytes', bytes: frame('0130303030303030'), reason: 'packet-error', error: /Conn of 8 bytes/ },
  { name: 'a SubmitAck of 9 bytes', bytes: frame(`82${id(2)}`), reason: 'packet-error', error: /SubmitAck of 9 bytes/ },
  {
    name: 'a SubmitAck of 11 bytes',
    bytes: frame(`82${id(2)}0000`),
    reason: 'packet-error',
    error: /SubmitAck of 11 bytes/,
  },
  { name: 'a ConnAck of 9 bytes', bytes: frame(`81${id(2)}`), reason: 'packet-error', error: /ConnAck of 9 bytes/ },
  { name: 'a SubmitAck, sent to a server', bytes: submitAck(2), reason: 'packet-error', error: /response/ },
  { name: 'a ConnAck, sent to a server', bytes: connAck(2), reason: 'packet-error', error: /response/ },
  {
    name: 'a SubmitAck of the other dialect',
    bytes: submitAck(2),
    reason: 'packet-error',
    error: /0x82.*the peer seems to speak the specification dialect/,
    flags: ['--dialect', 'go-demo'],
  },
]

/** Other protocols of a peer, and the log's hint. */
const FOREIGN: readonly { name: string; bytes: string; hint: string }[] = [
  {
    name: 'HTTP',
    bytes: ascii('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    hint: 'the peer seems to speak HTTP',
  },
  { name: 'TLS', bytes: '1603010200010001fc0303', hint: 'the peer seems to speak TLS' },
  { name: 'SSH', bytes: ascii('SSH-2.0-OpenSSH_9.6\r\n'), hint: 'the peer seems to speak SSH' },
  {
    name: 'our frames with their lengths in little-endian',
    bytes: `0d00000002${id(1)}`,
    hint: 'the peer seems to send its lengths in little-endian',
  },
]

describe('a connection with malformed input', () => {
  it.each(MALFORMED)(
    'is closed as $reason, logged once and counted once, and nothing else happens: $name',
    async (row) => {
      const { bytes, reason, error, ends = false, flags = [] } = row
      const server = await startDemoServer(flags)
      const survivor = await server.connect()
      const peer = await server.connect()
      if (ends) peer.end(submit(1) + bytes)
      else peer.send(submit(1) + bytes)

      const answer = flags.length > 0 ? ACK_IN_GO_DEMO : submitAck(1)
      expect(await peer.receiveAll(), 'the request before it is answered, and the stream ends well').toBe(answer)
      const closed = await server.untilLogged('connection closed')
      expect(closed).toHaveLength(1)
      expect(closed[0]).toMatchObject({ level: 40, reason, requests: 1, error: expect.stringMatching(error) })

      survivor.send(submit(1))
      expect(await survivor.receive(14)).toBe(answer)
      const metrics = await server.scrape()
      expect(metrics.closed).toEqual({ [reason]: 1 })
      expect(metrics.value('client_connected')).toBe(1)
      expect(metrics.value('req_recv_total')).toBe(2)
      expect(metrics.value('rsp_send_total')).toBe(2)
      expect(server.log.map(({ msg }) => msg)).toEqual(['listening', 'connection closed'])
      expect(server.program.running).toBe(true)
    },
  )

  it('is closed as packet-error at a second Conn', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(conn(1) + submit(2) + conn(3) + submit(4))
    expect(await peer.receiveAll()).toBe(connAck(1) + submitAck(2))
    const closed = await server.untilLogged('connection closed')
    expect(closed).toHaveLength(1)
    expect(closed[0]).toMatchObject({ reason: 'packet-error', requests: 2, error: 'a second Conn came' })
    expect((await server.scrape()).closed).toEqual({ 'packet-error': 1 })
  })

  it('has everything answered that came before, and nothing that came after', async () => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(submits(1, 1000) + frame('7f') + submits(1001, 2000))
    expect(await peer.receiveAll()).toBe(submitAcks(1, 1000))
    expect((await server.untilLogged('connection closed'))[0]).toMatchObject({ reason: 'packet-error', requests: 1000 })
    expect((await server.scrape()).value('req_recv_total')).toBe(1000)
  })

  it('is not waited for: the error is known once the four bytes of the header are in', async () => {
    const server = await startDemoServer(['--max-frame-length', '64'])
    const peer = await server.connect()
    for (const byte of ['00', '00', '00', '41']) await peer.sent(byte)
    expect(await peer.receiveAll()).toBe('')
    expect((await server.untilLogged('connection closed'))[0]).toMatchObject({
      reason: 'frame-error',
      receivedBytes: 4,
    })
  })

  it('allocates no memory for a length that was only announced', async () => {
    const server = await startDemoServer(['--max-frame-length', '1GiB'])
    const before = await residentBytes(server.metricsPort)
    const peers = await Promise.all(Array.from({ length: 50 }, () => server.connect()))
    for (const peer of peers) peer.send(`40000000${filler(100)}`)
    await server.untilScraped('all of it to be read', (metrics) => metrics.value('received_bytes_total') === 50 * 104)
    expect((await residentBytes(server.metricsPort)) - before).toBeLessThan(100 * 1024 ** 2)
  })
})

describe('a peer that speaks something else', () => {
  it.each(FOREIGN)('is closed as frame-error, and the log has a hint: $name', async ({ bytes, hint }) => {
    const server = await startDemoServer()
    const peer = await server.connect()
    peer.send(bytes)
    expect(await peer.receiveAll()).toBe('')
    const [line] = await server.untilLogged('connection closed')
    expect(line).toMatchObject({ level: 40, reason: 'frame-error', error: expect.stringContaining(hint) })
  })
})

function ascii(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex')
}

async function residentBytes(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1])
}
