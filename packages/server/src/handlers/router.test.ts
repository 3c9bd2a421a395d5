import type { SubmitView } from '@demo/packet'
import type { Peer } from '@demo/testkit/peer'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { startServer } from '../testing/harness.ts'
import { type RouteKey, router } from './router.ts'

interface Message {
  readonly command: RouteKey
}

const key = ({ command }: Message) => command
const make = (handlers: Record<RouteKey, () => string>, unknown?: () => string) =>
  router<Message, string, undefined>(handlers, unknown === undefined ? { key } : { key, unknown })

describe('router', () => {
  it('calls the handler of the key, by number as by text', () => {
    const route = make({ 1: () => 'one', two: () => 'two' })
    expect(route({ command: 1 }, undefined)).toBe('one')
    expect(route({ command: '1' }, undefined)).toBe('one')
    expect(route({ command: 'two' }, undefined)).toBe('two')
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 2, -1, Number.NaN, ''])(
    'knows no handler of %s unless there is one',
    (command) => {
      const route = make({ 1: () => 'one' })
      expect(() => route({ command }, undefined)).toThrow(
        expect.objectContaining({ name: 'RouterError', code: 'ERR_ROUTER_UNKNOWN_KEY', key: command }),
      )
      expect(make({ [command]: () => 'mine' })({ command }, undefined)).toBe('mine')
    },
  )

  it('calls the handler of unknown keys', () => {
    expect(make({}, () => 'what?')({ command: 9 }, undefined)).toBe('what?')
  })

  it('shows no more of a key than fits a line', () => {
    expect(() => make({})({ command: 'x'.repeat(10_000) }, undefined)).toThrow(/^.{1,100}$/)
  })

  it('takes a context only if one of the handlers does', () => {
    const one = (_submit: SubmitView) => {}
    const both = (_submit: SubmitView, _context: unknown) => {}
    const command = ({ payload }: SubmitView) => payload[0] ?? -1
    expect(router({ 1: one, 2: one }, { key: command }).length).toBe(1)
    expect(router({ 1: one, 2: both }, { key: command }).length).toBe(2)
    expect(router({ 1: one }, { key: command, unknown: both }).length).toBe(2)
  })

  it('refuses what is no function', () => {
    expect(() => make({ 1: 'one' as never })).toThrow('router: invalid handler of "1" (string): expected a function')
    expect(() => router({}, { key: 'command' as never })).toThrow('router: invalid key (string): expected a function')
    expect(() => router({}, { key: () => 1, unknown: null as never })).toThrow('router: invalid unknown (object)')
  })

  it('answers 1 to an unknown command of a server, and goes on', async () => {
    const running = await startServer({
      onSubmit: router(
        { 1: () => 0, 2: (_submit, { session }) => (session.id > 0 ? 1 : 0), 3: async () => 0 },
        { key: ({ payload }) => payload[0] ?? -1 },
      ),
    })
    const peer = await running.connect()
    peer.send(submit(1, '01ff') + submit(2, '02') + submit(3, '7f') + submit(4) + submit(5, '01'))
    await expectAnswers(peer, submitAck(1) + submitAck(2, 1) + submitAck(3, 1) + submitAck(4, 1) + submitAck(5))
    expect(running.errors).toEqual([expect.objectContaining({ key: 0x7f }), expect.objectContaining({ key: -1 })])
  })
})

async function expectAnswers(peer: Peer, answers: string): Promise<void> {
  expect(await peer.receive(answers.length / 2)).toBe(answers)
}
