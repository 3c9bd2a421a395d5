import { lengthPrefixed } from '@demo/frame'
import type { Peer } from '@demo/testkit/peer'
import { waitFor, within } from '@demo/testkit/wait-for'
import { watchProcess } from '@demo/testkit/watch-process'
import { describe, expect, test } from 'vitest'
import {
  compose,
  createFrameServer,
  type FrameServerHandlers,
  type MessageCodec,
  type MessageSession,
  ProtocolError,
  type RequestContext,
  router,
} from '../index.ts'
import { startFrameServer } from '../testing/harness.ts'

type TextSession = MessageSession<unknown, string>
type TextHandlers = FrameServerHandlers<string, string>

/** Text in frames with a little-endian length of three bytes. */
const codec: MessageCodec<string, string> = {
  frames: lengthPrefixed({ lengthBytes: 3, endian: 'little' }),
  decode: (bytes, start, end) => Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString(),
  encode: (reply) => Buffer.from(reply),
}

/** A frame, put together by hand. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text)
  const { length } = payload
  return Buffer.concat([Buffer.from([length & 0xff, (length >> 8) & 0xff, length >> 16]), payload])
}

const frames = (...texts: string[]) => Buffer.concat(texts.map(frame))

/** What a peer was sent so far, as texts. */
function textsOf(peer: Peer): string[] {
  const bytes = peer.receivedBytes
  const texts: string[] = []
  let at = 0
  while (at + 3 <= bytes.length) {
    const end = at + 3 + bytes.readUIntLE(at, 3)
    if (end > bytes.length) break
    texts.push(bytes.toString('utf8', at + 3, end))
    at = end
  }
  return texts
}

async function receiveTexts(peer: Peer, count: number): Promise<string[]> {
  await waitFor(
    () => textsOf(peer).length >= count || peer.closed,
    () => `for ${count} texts; there are ${textsOf(peer).length}`,
  )
  return textsOf(peer)
}

/** Everything that a peer is sent until the server ends its side. */
async function receiveToEnd(peer: Peer): Promise<string[]> {
  await peer.receiveAll()
  return textsOf(peer)
}

/** Handlers that settle when the test says so, by their message. */
class TextGate {
  readonly #waiting = new Map<string, { resolve(reply: string | undefined): void; reject(error: unknown): void }>()

  readonly wait = (message: string): Promise<string | undefined> =>
    new Promise((resolve, reject) => this.#waiting.set(message, { resolve, reject }))

  holds(count: number): Promise<void> {
    return waitFor(
      () => this.#waiting.size === count,
      () => `for ${count} handlers to wait; there are ${this.#waiting.size}`,
    )
  }

  reply(message: string, reply: string | undefined = message): void {
    this.#waiting.get(message)?.resolve(reply)
    this.#waiting.delete(message)
  }

  fail(message: string, error: unknown): void {
    this.#waiting.get(message)?.reject(error)
    this.#waiting.delete(message)
  }
}

const someTurns = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise(setImmediate)
}

const start = (handlers: Partial<TextHandlers> = {}, options: Parameters<typeof startFrameServer>[1] = {}) =>
  startFrameServer<string, string>({ codec, onMessage: (message) => message, ...handlers }, options)

describe('replies', () => {
  test.each<[string, TextHandlers['onMessage']]>([
    ['synchronous', (message) => message.toUpperCase()],
    ['asynchronous', async (message) => message.toUpperCase()],
    ['later', (message) => new Promise((resolve) => setImmediate(() => resolve(message.toUpperCase())))],
  ])('%s, many in one chunk, in order, empty ones too', async (_name, onMessage) => {
    const { connect, server } = await start({ onMessage })
    const peer = await connect()
    peer.send(frames('a', '', 'bc', 'def'))
    expect(await receiveTexts(peer, 4)).toEqual(['A', '', 'BC', 'DEF'])
    expect(server.counters).toMatchObject({
      requestsReceived: 4,
      responsesSent: 4,
      successes: 4,
      failures: 0,
      unanswered: 0,
      inFlight: 0,
    })
  })

  test('come whole where frames are cut anywhere', async () => {
    const { connect } = await start()
    const peer = await connect()
    for (const byte of frames('first', '', 'second')) {
      peer.send(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    expect(await receiveTexts(peer, 3)).toEqual(['first', '', 'second'])
  })

  test('there is none to a one-way message', async () => {
    const seen: string[] = []
    const { connect, server } = await start({
      onMessage(message) {
        seen.push(message)
        if (message.startsWith('later')) return Promise.resolve(undefined)
        return message.startsWith('note') ? undefined : message
      },
    })
    const peer = await connect()
    peer.send(frames('note 1', 'later 1', 'ask', 'note 2'))
    peer.end()
    expect(await receiveToEnd(peer)).toEqual(['ask'])
    expect(seen).toEqual(['note 1', 'later 1', 'ask', 'note 2'])
    expect(server.counters).toMatchObject({ requestsReceived: 4, responsesSent: 1, successes: 1, unanswered: 0 })
  })

  test('leave in order, however their handlers settle', async () => {
    const gate = new TextGate()
    const { connect } = await start({ onMessage: (message) => (message === 'sync' ? message : gate.wait(message)) })
    const peer = await connect()
    peer.send(frames('1', '2', 'sync', '3'))
    await gate.holds(3)
    for (const message of ['3', '2']) gate.reply(message)
    await someTurns()
    expect(peer.receivedLength).toBe(0)
    gate.reply('1')
    expect(await receiveTexts(peer, 4)).toEqual(['1', '2', 'sync', '3'])
  })

  test('leave as they settle where they are not ordered', async () => {
    const gate = new TextGate()
    const onMessage = (message: string) => (message === 'sync' ? message : gate.wait(message))
    const { connect } = await start({ onMessage }, { ordered: false })
    const peer = await connect()
    peer.send(frames('1', '2', 'sync'))
    expect(await receiveTexts(peer, 1)).toEqual(['sync'])
    gate.reply('2')
    await receiveTexts(peer, 2)
    gate.reply('1')
    expect(await receiveTexts(peer, 3)).toEqual(['sync', '2', '1'])
  })

  test.each([false, true])(
    'are right where the codec encodes into the same bytes again (ordered: %s)',
    async (ordered) => {
      const scratch = Buffer.alloc(16)
      const { connect, opened } = await start(
        {
          codec: { ...codec, encode: (reply) => scratch.subarray(0, scratch.write(reply)) },
          onMessage: (message) => (message === 'sync' ? message : Promise.resolve(message)),
        },
        { ordered },
      )
      const peer = await connect()
      await waitFor(
        () => opened.length === 1,
        () => 'for the session',
      )
      opened[0]?.send('push 1')
      opened[0]?.send('push 2')
      peer.send(frames('async 1', 'sync', 'async 2'))
      expect((await receiveTexts(peer, 5)).sort()).toEqual(['async 1', 'async 2', 'push 1', 'push 2', 'sync'])
    },
  )

  test.each([200 * 1024, 1500 * 1024])('of %i bytes come whole, those around them too', async (length) => {
    const { connect, server } = await start(
      { onMessage: (message) => (message === 'long' ? 'x'.repeat(length) : message) },
      { maxWriteBuffer: 256 * 1024 },
    )
    const peer = await connect()
    peer.send(frames('before', 'long', 'after'))
    const texts = await receiveTexts(peer, 3)
    expect(texts.map((text) => text.length)).toEqual([6, length, 5])
    expect(texts[1]).toBe('x'.repeat(length))
    expect(server.counters).toMatchObject({ responsesSent: 3, sentBytes: 6 + length + 5 + 9 })
  })
})

describe('backpressure', () => {
  test('a peer that takes nothing is not served on, and gets everything when it does', async () => {
    let handled = 0
    const { open } = await start(
      {
        onMessage(message) {
          handled += 1
          return message.padEnd(1000)
        },
      },
      { maxWriteBuffer: 8192 },
    )
    const { peer, serverSide } = await open()
    serverSide.hold()
    const messages = Array.from({ length: 100 }, (_, i) => `m${i}`)
    peer.send(frames(...messages))
    await waitFor(
      () => serverSide.paused,
      () => 'for the session to stop reading',
    )
    await someTurns()
    expect(handled).toBeLessThan(20)
    serverSide.release()
    const texts = await receiveTexts(peer, 100)
    expect(texts.map((text) => text.trimEnd())).toEqual(messages)
  })

  test('asynchronous replies wait for the peer, too', async () => {
    const gate = new TextGate()
    const { open } = await start({ onMessage: gate.wait }, { maxWriteBuffer: 8192, ordered: false })
    const { peer, serverSide } = await open()
    const messages = Array.from({ length: 20 }, (_, i) => `m${i}`)
    peer.send(frames(...messages))
    await gate.holds(20)
    serverSide.hold()
    for (const message of messages) {
      gate.reply(message, message.padEnd(4000))
      await new Promise(setImmediate)
    }
    await someTurns()
    expect(serverSide.unsentBytes).toBeLessThan(4 * 4003)
    serverSide.release()
    expect((await receiveTexts(peer, 20)).map((text) => text.trimEnd())).toEqual(messages)
  })

  test.each([
    { by: 'number', options: { maxInFlight: 10 }, length: 0, most: 10 },
    { by: 'bytes', options: { maxWriteBuffer: 4096 }, length: 1000, most: 6 },
  ])('replies that wait behind a slow one are bounded in $by', async ({ options, length, most }) => {
    const gate = new TextGate()
    let handled = 0
    const { open } = await start(
      {
        onMessage(message) {
          handled += 1
          return message === 'slow' ? gate.wait(message) : message.padEnd(length)
        },
      },
      options,
    )
    const { peer, serverSide } = await open()
    const others = Array.from({ length: 50 }, (_, i) => `m${i}`)
    peer.send(frames('slow', ...others))
    await waitFor(
      () => serverSide.paused,
      () => 'for the session to stop reading',
    )
    expect(handled).toBe(most)
    gate.reply('slow')
    expect((await receiveTexts(peer, 51)).map((text) => text.trimEnd())).toEqual(['slow', ...others])
  })
})

describe('send()', () => {
  test('from a synchronous onOpen: it comes before all replies', async () => {
    const { connect } = await start({ onOpen: (session) => void session.send('welcome') })
    for (let i = 0; i < 20; i += 1) {
      const peer = await connect()
      peer.send(frame('a'))
      expect(await receiveTexts(peer, 2)).toEqual(['welcome', 'a'])
    }
  })

  test('leaves before the replies that are returned later, also to a peer that is behind', async () => {
    const { open, server } = await start(
      {
        onMessage(message, { session }) {
          for (let i = 0; i < 5; i += 1) session.send(`${message} ${i}`.padEnd(1000))
          return message
        },
      },
      { maxWriteBuffer: 8192 },
    )
    const { peer, serverSide } = await open()
    serverSide.hold()
    peer.send(frame('a'))
    await waitFor(
      () => server.counters.responsesSent === 1,
      () => 'for the reply',
    )
    serverSide.release()
    const texts = await receiveTexts(peer, 6)
    expect(texts.map((text) => text.trimEnd())).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4', 'a'])
  })

  test('from an asynchronous onOpen: it leaves when that has settled, and not before', async () => {
    let letIn = () => {}
    const { open } = await start({
      async onOpen(session) {
        session.send('first')
        await new Promise<void>((resolve) => {
          letIn = resolve
        })
        session.send('second')
      },
    })
    const { peer, session, serverSide } = await open()
    await waitFor(
      () => session.state === 'opening',
      () => 'for onOpen',
    )
    await someTurns()
    expect(serverSide.writes).toEqual([])
    letIn()
    expect(await receiveTexts(peer, 2)).toEqual(['first', 'second'])
  })

  test('a refused peer gets what was sent to it before', async () => {
    const { connect, untilClosed } = await start({
      async onOpen(session) {
        session.send('go away')
        await new Promise(setImmediate)
        throw new Error('not you')
      },
    })
    const peer = await connect()
    expect(await receiveToEnd(peer)).toEqual(['go away'])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed' }])
  })

  test('from onMessage and onTick, in order', async () => {
    let ticked = false
    const { connect, server } = await start(
      {
        onMessage(message, { session }) {
          for (const text of ['1', '2', '3']) session.send(text)
          return message === 'ask' ? 'reply' : undefined
        },
        onTick(session) {
          if (!ticked) session.send('tick')
          ticked = true
        },
      },
      { tickInterval: 5 },
    )
    const peer = await connect()
    await receiveTexts(peer, 1)
    peer.send(frame('go'))
    expect(await receiveTexts(peer, 4)).toEqual(['tick', '1', '2', '3'])
    // None of them is a response.
    expect(server.counters).toMatchObject({ responsesSent: 0, successes: 0, unanswered: 0, sentBytes: 4 * 3 + 7 })
    peer.send(frames('ask', 'ask'))
    expect((await receiveTexts(peer, 12)).slice(4)).toEqual(['1', '2', '3', 'reply', '1', '2', '3', 'reply'])
  })

  test("to all others from one session's handler: nothing gets into another's bytes", async () => {
    const { open, server } = await start({
      onMessage(message, { session }) {
        for (const other of server.sessions) if (other !== session) other.send(`${message} to ${other.id}`)
        return `${message} back`
      },
    })
    const all = [await open(), await open(), await open()]
    const messages = Array.from({ length: 50 }, (_, i) => `m${i}`)
    for (const { peer } of all) peer.send(frames(...messages))
    for (const { peer, session } of all) {
      const texts = await receiveTexts(peer, 150)
      expect(texts).toHaveLength(150)
      expect(texts.filter((text) => text.endsWith('back'))).toEqual(messages.map((message) => `${message} back`))
      const pushed = texts.filter((text) => !text.endsWith('back')).sort()
      expect(pushed).toEqual([...messages, ...messages].map((message) => `${message} to ${session.id}`).sort())
    }
  })

  test('returns false when the peer is behind; drained() resolves when it is not any more', async () => {
    const { open } = await start({}, { maxWriteBuffer: 8192 })
    const { peer, session, serverSide } = await open()
    await within(session.drained(), 'for a session that is not behind')
    expect(session.send('a')).toBe(true)
    await receiveTexts(peer, 1)
    serverSide.hold()
    let sent = 0
    while (session.send('x'.repeat(500))) sent += 1
    expect(sent).toBeGreaterThan(0)
    let drained = false
    const waiting = session.drained().then(() => {
      drained = true
    })
    await waitFor(
      () => serverSide.holds,
      () => 'for the messages to be written',
    )
    await someTurns()
    expect(drained).toBe(false)
    serverSide.release()
    await within(waiting, 'for the peer to keep up')
    expect(session.send('z')).toBe(true)
    expect(await receiveTexts(peer, sent + 3)).toEqual(['a', ...Array(sent + 1).fill('x'.repeat(500)), 'z'])
  })

  test('drained() resolves when the connection is gone', async () => {
    const { open } = await start({}, { maxWriteBuffer: 8192 })
    const { session, serverSide } = await open()
    serverSide.hold()
    while (session.send('x'.repeat(500)));
    const waiting = session.drained()
    session.destroy()
    await within(waiting, 'for the end')
    await within(session.drained(), 'for a closed session')
  })

  test('refuses what is over maxWriteBuffer, empty messages too, and hurts nothing else', async () => {
    const { open } = await start({}, { maxWriteBuffer: 4096 })
    const { peer, session, serverSide } = await open()
    const full = { code: 'ERR_SERVER_WRITE_BUFFER_FULL' }
    expect(() => session.send('x'.repeat(4094))).toThrow(expect.objectContaining(full))
    serverSide.hold()
    let sent = 0
    expect(() => {
      for (; sent < 10_000; sent += 1) session.send('')
    }).toThrow(expect.objectContaining(full))
    expect(sent).toBe(Math.floor(4096 / 3))
    await someTurns()
    serverSide.release()
    await receiveTexts(peer, sent)
    peer.send(frame('still here'))
    expect(await receiveTexts(peer, sent + 1)).toEqual([...Array(sent).fill(''), 'still here'])
    expect(session.state).toBe('open')
  })

  test('to a closed session throws, and says why it was closed', async () => {
    const { open, untilClosed, errors } = await start({ onClose: (session) => void session.send('too late') })
    const { peer, session } = await open()
    peer.end()
    await untilClosed(1)
    const closed = { code: 'ERR_SERVER_CONNECTION_CLOSED', reason: 'peer-closed' }
    expect(() => session.send('too late')).toThrow(expect.objectContaining(closed))
    expect(errors).toMatchObject([closed])
  })

  test('throws when our side is ended, and says why', async () => {
    const { open } = await start()
    const { peer, session } = await open({ holdsOn: true })
    session.close()
    await peer.receiveAll()
    expect(session.state).toBe('lingering')
    const closed = { code: 'ERR_SERVER_CONNECTION_CLOSED', reason: 'handler-closed' }
    expect(() => session.send('too late')).toThrow(expect.objectContaining(closed))
    peer.end()
  })

  test('before close(): all of it leaves, also where the peer is slow', async () => {
    const { open, untilClosed } = await start({}, { maxWriteBuffer: 64 * 1024 })
    const { peer, session, serverSide } = await open()
    serverSide.hold()
    // The first blocks the session, the rest waits in its queue.
    session.send('x'.repeat(40_000))
    await waitFor(
      () => serverSide.holds,
      () => 'for the first to be written',
    )
    for (let i = 0; i < 10; i += 1) session.send(`m${i}`)
    session.close()
    await someTurns()
    serverSide.release()
    expect((await receiveToEnd(peer)).slice(1)).toEqual(Array.from({ length: 10 }, (_, i) => `m${i}`))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-closed', error: undefined }])
  })

  test('a message that the codec refuses is not sent, and nothing else happens', async () => {
    const refusing = {
      ...codec,
      encode(reply: string) {
        if (reply === 'bad') throw new Error('bad reply')
        return Buffer.from(reply)
      },
    }
    const { open, errors } = await start({ codec: refusing })
    const { peer, session } = await open()
    expect(() => session.send('bad')).toThrow(expect.objectContaining({ code: 'ERR_SERVER_CODEC' }))
    session.send('good')
    expect(await receiveTexts(peer, 1)).toEqual(['good'])
    expect(errors).toEqual([])
  })
})

describe('onTick', () => {
  test('is called at its interval on idle and on busy sessions', async () => {
    const ticks = new Map<TextSession, number[]>()
    const { open } = await start(
      {
        onTick(session) {
          const times = ticks.get(session) ?? []
          times.push(performance.now())
          ticks.set(session, times)
        },
      },
      { tickInterval: 40 },
    )
    const idle = await open()
    const busy = await open()
    const traffic = setInterval(() => busy.peer.send(frame('x')), 2)
    const began = performance.now()
    try {
      await waitFor(
        () => [idle, busy].every(({ session }) => (ticks.get(session)?.length ?? 0) >= 4),
        () => 'for four ticks of each',
      )
    } finally {
      clearInterval(traffic)
    }
    // Never more often than its interval.
    const passed = performance.now() - began
    for (const { session } of [idle, busy]) {
      expect(ticks.get(session)?.length).toBeLessThanOrEqual(Math.ceil(passed / 40) + 2)
    }
  })

  test('may throw or reject: it is reported, and called again', async () => {
    let calls = 0
    const { open, errors } = await start(
      {
        onTick() {
          calls += 1
          if (calls % 2 === 0) return Promise.reject(new Error(`tick ${calls}`))
          throw new Error(`tick ${calls}`)
        },
      },
      { tickInterval: 5 },
    )
    const { session } = await open()
    await waitFor(
      () => errors.length >= 3,
      () => 'for three reports',
    )
    expect(errors.slice(0, 3)).toMatchObject([1, 2, 3].map((call) => ({ message: `tick ${call}` })))
    expect(session.state).toBe('open')
  })
})

describe('the context of a message', () => {
  test('has its session, with its data, and its times', async () => {
    const contexts: RequestContext<unknown, TextSession>[] = []
    const { open } = await start(
      {
        onOpen(session) {
          session.data = 'mine'
        },
        onMessage(_message, context) {
          contexts.push(context)
          return String(context.session.data)
        },
      },
      { handlerTimeout: 1234 },
    )
    const before = performance.now()
    const { peer, session } = await open()
    peer.send(frames('a', 'b'))
    expect(await receiveTexts(peer, 2)).toEqual(['mine', 'mine'])
    expect(contexts).toHaveLength(2)
    for (const context of contexts) {
      expect(context.session).toBe(session)
      expect(context.id).toBe('')
      expect(context.receivedAt).toBeGreaterThan(before)
      expect(context.deadline).toBeGreaterThanOrEqual(context.receivedAt + 1234)
      expect(context.signal.aborted).toBe(false)
    }
  })

  test('has the id of a message that has one', async () => {
    const ids: string[] = []
    const { connect } = await startFrameServer<{ id: number }, string>({
      codec: { ...codec, decode: (bytes, start) => ({ id: bytes[start] ?? 0 }) },
      onMessage: (_message, { id }) => void ids.push(id),
    })
    const peer = await connect()
    peer.send(frames('A', 'B'))
    await waitFor(
      () => ids.length === 2,
      () => 'for two messages',
    )
    expect(ids).toEqual(['65', '66'])
  })

  test('has a signal that aborts when the connection goes', async () => {
    const signals: AbortSignal[] = []
    const { open, untilClosed, server } = await start({
      onMessage(_message, { signal }) {
        signals.push(signal)
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    const { peer, session } = await open()
    peer.send(frames('a', 'b'))
    await waitFor(
      () => session.inFlight === 2,
      () => 'for the handlers',
    )
    session.destroy()
    await untilClosed(1)
    const reason = { code: 'ERR_SERVER_CONNECTION_CLOSED', reason: 'destroyed' }
    for (const signal of signals) expect(signal).toMatchObject({ aborted: true, reason })
    expect(server.counters).toMatchObject({ unanswered: 2, inFlight: 0, responsesSent: 0, successes: 0, failures: 0 })
  })
})

describe('a handler that fails', () => {
  const failing: TextHandlers['onMessage'] = (message) => {
    if (message === 'throw') throw new Error('thrown')
    if (message === 'reject') return Promise.reject(new Error('rejected'))
    return message
  }

  test('is answered with failureReply, and the rest goes on', async () => {
    const { connect, errors, server } = await start({
      onMessage: failing,
      failureReply: (error, message) => `${message}: ${(error as Error).message}`,
    })
    const peer = await connect()
    peer.send(frames('a', 'throw', 'reject', 'b'))
    expect(await receiveTexts(peer, 4)).toEqual(['a', 'throw: thrown', 'reject: rejected', 'b'])
    expect(errors).toMatchObject([{ message: 'thrown' }, { message: 'rejected' }])
    expect(server.counters).toMatchObject({ responsesSent: 4, successes: 2, failures: 2, unanswered: 0 })
  })

  test.each(['throw', 'reject'])('without failureReply (%s): closed, after the earlier replies', async (how) => {
    const gate = new TextGate()
    const { connect, errors, server, untilClosed } = await start({
      onMessage: (message) => (message === 'slow' ? gate.wait(message) : failing(message, undefined as never)),
    })
    const peer = await connect()
    peer.send(frames('a', 'slow', how, 'after'))
    await waitFor(
      () => errors.length === 1,
      () => 'for the failure',
    )
    gate.reply('slow')
    // A reply to what came after would be taken for the one that is missing.
    expect(await receiveToEnd(peer)).toEqual(['a', 'slow'])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-failed', error: errors[0] }])
    const { requestsReceived, responsesSent, unanswered } = server.counters
    expect({ responsesSent, successes: server.counters.successes }).toEqual({ responsesSent: 2, successes: 2 })
    expect(unanswered).toBe(requestsReceived - 2)
  })

  test('without failureReply: handlers of later messages are not waited for, and their signals abort', async () => {
    const gate = new TextGate()
    const signals: AbortSignal[] = []
    const { connect, untilClosed, server } = await start({
      onMessage(message, { signal }) {
        signals.push(signal)
        return gate.wait(message)
      },
    })
    const peer = await connect()
    peer.send(frames('1', '2', '3'))
    await gate.holds(3)
    gate.fail('2', new Error('failed'))
    await someTurns()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false])
    gate.reply('1')
    expect(await receiveToEnd(peer)).toEqual(['1'])
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-failed' }])
    expect(server.counters).toMatchObject({ requestsReceived: 3, responsesSent: 1, unanswered: 2, inFlight: 0 })
  })

  test('without failureReply and without order: all others are answered', async () => {
    const gate = new TextGate()
    const { connect, untilClosed } = await start({ onMessage: gate.wait }, { ordered: false })
    const peer = await connect()
    peer.send(frames('1', '2', '3'))
    await gate.holds(3)
    gate.fail('2', new Error('failed'))
    gate.reply('3')
    gate.reply('1')
    expect((await receiveToEnd(peer)).sort()).toEqual(['1', '3'])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-failed' }])
  })

  test.each<[string, (error: unknown) => unknown, object]>([
    [
      'throws',
      () => {
        throw new Error('worse')
      },
      { message: 'worse' },
    ],
    ['returns junk', () => 5, { code: 'ERR_SERVER_CODEC' }],
    ['returns a promise', () => Promise.reject(new Error('unheard')), { message: expect.stringContaining('promise') }],
  ])('whose failureReply %s: closed, both reported', async (_name, failureReply, report) => {
    const { unhandled } = watchProcess()
    const { connect, errors, untilClosed } = await start({
      onMessage: failing,
      failureReply: failureReply as () => string,
    })
    const peer = await connect()
    const other = await connect()
    peer.send(frames('a', 'throw', 'b'))
    expect(await receiveToEnd(peer)).toEqual(['a'])
    expect(errors).toMatchObject([{ message: 'thrown' }, report])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'handler-failed', error: { message: 'thrown' } }])
    other.send(frame('unhurt'))
    expect(await receiveTexts(other, 1)).toEqual(['unhurt'])
    await someTurns()
    expect(unhandled).toEqual([])
  })

  test('a handler that overruns its time fails', async () => {
    const { connect, errors, server } = await start(
      {
        onMessage: (message) => (message === 'slow' ? new Promise<string>(() => {}) : message),
        failureReply: (error) => (error as { code: string }).code,
      },
      { handlerTimeout: 30 },
    )
    const peer = await connect()
    peer.send(frames('slow', 'next'))
    expect(await receiveTexts(peer, 2)).toEqual(['ERR_SERVER_HANDLER_TIMEOUT', 'next'])
    expect(errors).toMatchObject([{ code: 'ERR_SERVER_HANDLER_TIMEOUT', timeout: 30 }])
    expect(server.counters).toMatchObject({ successes: 1, failures: 1, inFlight: 0 })
  })
})

describe('a codec', () => {
  /** Messages that begin with `bad` break the protocol, those that begin with `bug` the codec. */
  const strict: MessageCodec<string, string> = {
    ...codec,
    decode(bytes, start, end) {
      const text = codec.decode(bytes, start, end)
      if (text.startsWith('bad')) throw new ProtocolError(`unknown command ${text}`)
      if (text.startsWith('bug')) throw new RangeError('out of bounds')
      return text
    },
  }

  test('that throws a ProtocolError: packet-error, after the earlier replies', async () => {
    const { connect, errors, untilClosed, server } = await start({
      codec: strict,
      onMessage: (message) =>
        message === 'later' ? new Promise((resolve) => setImmediate(resolve, message)) : message,
    })
    const peer = await connect()
    peer.send(frames('a', 'later', 'bad', 'b'))
    expect(await receiveToEnd(peer)).toEqual(['a', 'later'])
    expect(await untilClosed(1)).toMatchObject([{ reason: 'packet-error', error: { code: 'ERR_SERVER_PROTOCOL' } }])
    expect(errors).toEqual([])
    expect(server.counters).toMatchObject({ requestsReceived: 2, responsesSent: 2, unanswered: 0 })
  })

  test('that throws anything else: internal-error, reported with its cause; others are unhurt', async () => {
    const { connect, errors, untilClosed } = await start({ codec: strict })
    const peer = await connect()
    const other = await connect()
    peer.send(frames('a', 'bug', 'b'))
    expect(await receiveToEnd(peer)).toEqual(['a'])
    const report = { code: 'ERR_SERVER_CODEC', cause: { name: 'RangeError', message: 'out of bounds' } }
    expect(await untilClosed(1)).toMatchObject([{ reason: 'internal-error', error: report }])
    expect(errors).toMatchObject([report])
    other.send(frame('unhurt'))
    expect(await receiveTexts(other, 1)).toEqual(['unhurt'])
  })

  test.each<[string, (reply: string) => unknown, object]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
      { cause: { message: 'no' } },
    ],
    ['returns a string', (reply) => reply, { message: expect.stringContaining('string') }],
    ['returns more than the format can say', () => Buffer.alloc(300), { cause: { code: 'ERR_FRAME_TOO_LONG' } }],
  ])('whose encode %s fails the message alone', async (_name, encode, report) => {
    const { connect, errors } = await start({
      codec: {
        frames: lengthPrefixed({ lengthBytes: 1 }),
        decode: codec.decode,
        encode: (reply) => (reply.startsWith('bad') ? encode(reply) : Buffer.from(reply)) as Uint8Array,
      },
      onMessage: (message) => (message === 'bad later' ? Promise.resolve(message) : message),
      failureReply: (error) => (error as { code: string }).code,
    })
    const peer = await connect()
    const one = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
    const expected = Buffer.concat(['a', 'ERR_SERVER_CODEC', 'ERR_SERVER_CODEC', 'b'].map(one))
    peer.send(Buffer.concat(['a', 'bad', 'bad later', 'b'].map(one)))
    await peer.receive(expected.length)
    expect(peer.receivedBytes.toString()).toBe(expected.toString())
    expect(errors).toMatchObject([
      { code: 'ERR_SERVER_CODEC', ...report },
      { code: 'ERR_SERVER_CODEC', ...report },
    ])
  })

  test('a frame that is too long, or cut off by the end: frame-error, after the earlier replies', async () => {
    const { connect, untilClosed } = await start({}, { maxFrameLength: 100 })
    const long = await connect()
    long.send(Buffer.concat([frame('a'), Buffer.from('ffff00', 'hex')]))
    expect(await receiveToEnd(long)).toEqual(['a'])
    const cut = await connect()
    cut.send(Buffer.concat([frame('a'), frame('bcd').subarray(0, 4)]))
    cut.end()
    expect(await receiveToEnd(cut)).toEqual(['a'])
    expect(await untilClosed(2)).toMatchObject([
      { reason: 'frame-error', error: { code: 'ERR_FRAME_TOO_LONG' } },
      { reason: 'frame-error', error: { code: 'ERR_FRAME_TRUNCATED' } },
    ])
  })

  test("the format's own limit counts where the server has none", async () => {
    const frames = lengthPrefixed({ lengthBytes: 3, endian: 'little', maxFrameLength: 10 })
    const { connect, untilClosed } = await start({ codec: { ...codec, frames } })
    const peer = await connect()
    peer.send(frame('more than ten'))
    expect(await untilClosed(1)).toMatchObject([{ reason: 'frame-error', error: { maxFrameLength: 10 } }])
  })
})

describe('the end of a session', () => {
  test('a drain answers what is in flight, and sends what was sent', async () => {
    const gate = new TextGate()
    const { open, server, untilClosed } = await start({
      async onMessage(message, { session }) {
        const reply = await gate.wait(message)
        session.send(`after ${message}`)
        return reply
      },
    })
    const { peer } = await open()
    peer.send(frames('1', '2'))
    await gate.holds(2)
    const closing = server.close()
    gate.reply('2')
    gate.reply('1')
    expect((await receiveToEnd(peer)).sort()).toEqual(['1', '2', 'after 1', 'after 2'])
    expect(await closing).toMatchObject({ connections: 1, cutOff: 0, unanswered: 0 })
    expect(await untilClosed(1)).toMatchObject([{ reason: 'draining' }])
  })

  test('destroyed in a handler: replies that were put down before count as unanswered', async () => {
    const { connect, server, untilClosed } = await start({
      onMessage(message, { session }) {
        if (message === 'die') session.destroy(new Error('enough'))
        return message
      },
    })
    const peer = await connect()
    const other = await connect()
    peer.send(frames('a', 'b', 'die', 'c'))
    await peer.untilClosed()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'destroyed', error: { message: 'enough' } }])
    expect(peer.receivedLength).toBe(0)
    expect(server.counters).toMatchObject({
      requestsReceived: 3,
      responsesSent: 0,
      successes: 0,
      unanswered: 3,
      sentBytes: 0,
    })
    other.send(frame('unhurt'))
    expect(await receiveTexts(other, 1)).toEqual(['unhurt'])
  })

  test('destroyed in a handler with a long reply: it counts as unanswered, too', async () => {
    const { connect, server, untilClosed } = await start({
      onMessage(_message, { session }) {
        session.destroy()
        return 'x'.repeat(100_000)
      },
    })
    const peer = await connect()
    peer.send(frame('a'))
    await untilClosed(1)
    expect(server.counters).toMatchObject({ responsesSent: 0, unanswered: 1, sentBytes: 0 })
  })

  test('an idle one is closed', async () => {
    const { open, untilClosed } = await start({}, { idleTimeout: 30 })
    await open()
    expect(await untilClosed(1)).toMatchObject([{ reason: 'idle-timeout' }])
  })
})

test('the observer hears of each reply once, also of one that waited', async () => {
  const gate = new TextGate()
  let answered = 0
  const observer = {
    answered(_seconds: number, count: number) {
      answered += count
    },
  }
  const { connect } = await start(
    { onMessage: (message) => (message === 'slow' ? gate.wait(message) : message) },
    { observer },
  )
  const peer = await connect()
  peer.send(frames('slow', 'a', 'b'))
  await gate.holds(1)
  gate.reply('slow')
  await receiveTexts(peer, 3)
  await someTurns()
  expect(answered).toBe(3)
})

test('middleware and a router go around onMessage', async () => {
  const commands = router<string, string, RequestContext<unknown, TextSession>>(
    { up: (message) => message.toUpperCase(), id: (_message, { session }) => `session ${session.id}` },
    { key: (message) => message.split(' ', 1)[0] ?? '' },
  )
  const { connect, errors } = await start({
    onMessage: compose<string, string, RequestContext<unknown, TextSession>>(
      async (_message, _context, next) => `<${await next()}>`,
      (message, _context, next) => (message === 'stop' ? 'stopped' : next()),
      commands,
    ),
    failureReply: (error) => (error as { code: string }).code,
  })
  const peer = await connect()
  peer.send(frames('up a', 'stop', 'id', 'what'))
  expect(await receiveTexts(peer, 4)).toEqual(['<UP A>', '<stopped>', '<session 1>', 'ERR_ROUTER_UNKNOWN_KEY'])
  expect(errors).toMatchObject([{ code: 'ERR_ROUTER_UNKNOWN_KEY' }])
})

describe('createFrameServer refuses', () => {
  const onMessage = (message: string) => message
  test.each<[string, unknown, unknown, string | RegExp]>([
    ['no handlers', undefined, {}, 'createFrameServer: invalid handlers.onMessage undefined: expected a function'],
    ['no onMessage', { codec }, {}, 'createFrameServer: invalid handlers.onMessage undefined: expected a function'],
    ['no codec', { onMessage }, {}, 'createFrameServer: invalid codec.decode undefined: expected a function'],
    ['no encode', { onMessage, codec: { ...codec, encode: 5 } }, {}, 'invalid codec.encode 5: expected a function'],
    ['no frames', { onMessage, codec: { ...codec, frames: { lengthBytes: 2 } } }, {}, 'invalid codec.frames'],
    ['half a format', { onMessage, codec: { ...codec, frames: { decoder() {} } } }, {}, 'invalid codec.frames'],
    ['a failureReply', { onMessage, codec, failureReply: 'x' }, {}, 'invalid handlers.failureReply "x"'],
    ['ordered', { onMessage, codec }, { ordered: 'yes' }, "invalid ordered 'yes': expected true or false"],
    [
      'an unknown option',
      { onMessage, codec },
      { requireConn: true },
      'invalid requireConn: no such option; expected one of ',
    ],
    [
      'a maxFrameLength below the header',
      { onMessage, codec },
      { maxFrameLength: 2 },
      /^invalid maxFrameLength: codec.frames refuses 2: .*from 3 to/,
    ],
  ])('%s', (_name, handlers, options, message) => {
    expect(() => createFrameServer(handlers as TextHandlers, options as object)).toThrow(message)
  })
})
