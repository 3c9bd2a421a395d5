import type { Peer } from '@demo/testkit/peer'
import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { startServer } from '../testing/harness.ts'
import { compose, type Middleware } from './middleware.ts'

type Step = Middleware<string, number | undefined, object>

const context = {}
const code = (name: string) => expect.objectContaining({ name: 'MiddlewareError', code: name })
const run = (...steps: Step[]) => compose<string, number | undefined, object>(...steps)('message', context)

describe('compose', () => {
  it('calls the steps in order, each with the message and the context, and gives the first one the answer', () => {
    const seen: unknown[] = []
    const step =
      (name: string): Step =>
      (message, given, next) => {
        seen.push(name, message, given === context)
        const answer = next() as number
        seen.push(`${name} done`)
        return answer + 1
      }
    const answer = run(step('a'), step('b'), () => 40)
    expect(answer).toBe(42)
    expect(seen).toEqual(['a', 'message', true, 'b', 'message', true, 'b done', 'a done'])
  })

  it('gives a handler alone back as it is', () => {
    const handler = () => 1
    expect(compose(handler)).toBe(handler)
  })

  it('makes no promise around the one of an asynchronous handler', () => {
    const promise = Promise.resolve(7)
    const answer = run(
      (_message, _context, next) => next(),
      (_message, _context, next) => next(),
      () => promise,
    )
    expect(answer).toBe(promise)
  })

  it('takes the answer of a middleware that does not call next, and calls nothing after it', () => {
    let called = false
    const handler = () => {
      called = true
      return 0
    }
    expect(run(() => 1, handler)).toBe(1)
    expect(called).toBe(false)
  })

  it('takes the answer of next() where a middleware returns nothing, and waits for it', async () => {
    expect(
      run(
        (_message, _context, next) => void next(),
        () => 5,
      ),
    ).toBe(5)
    const observer: Step = async (_message, _context, next) => void (await next())
    await expect(run(observer, () => 6)).resolves.toBe(6)
    const careless: Step = async (_message, _context, next) => void next()
    await expect(run(careless, async () => 7)).resolves.toBe(7)
    await expect(run(careless, () => Promise.reject(new Error('seven')))).rejects.toThrow('seven')
  })

  it('fails when a middleware neither answers nor calls next', async () => {
    expect(() =>
      run(
        () => undefined,
        () => 0,
      ),
    ).toThrow(code('ERR_MIDDLEWARE_NO_ANSWER'))
    await expect(
      run(
        async () => undefined,
        () => 0,
      ),
    ).rejects.toEqual(code('ERR_MIDDLEWARE_NO_ANSWER'))
  })

  it('does not call the handler when next() comes after the answer', async () => {
    let called = 0
    let late: () => unknown = () => {}
    const forgetful: Step = (_message, _context, next) => {
      late = next
      return undefined
    }
    expect(() => run(forgetful, () => ++called)).toThrow(code('ERR_MIDDLEWARE_NO_ANSWER'))
    await expect(late()).rejects.toEqual(code('ERR_MIDDLEWARE_NO_ANSWER'))
    expect(called).toBe(0)
  })

  it('fails when a middleware calls next twice, whatever it returns, and calls the handler once', async () => {
    let called = 0
    const handler = () => ++called
    const twice: Step = (_message, _context, next) => {
      next()
      next()
      return 0
    }
    expect(() => run(twice, handler)).toThrow(code('ERR_MIDDLEWARE_NEXT_TWICE'))
    expect(called).toBe(1)
    const twiceAsync: Step = async (_message, _context, next) => {
      await next()
      return next()
    }
    await expect(run(twiceAsync, handler)).rejects.toEqual(code('ERR_MIDDLEWARE_NEXT_TWICE'))
    expect(called).toBe(2)
  })

  it('throws what a step throws', async () => {
    const fails = () => {
      throw new Error('no')
    }
    expect(() => run((_message, _context, next) => next(), fails)).toThrow('no')
    expect(
      run((_message, _context, next) => {
        try {
          return next()
        } catch {
          return 3
        }
      }, fails),
    ).toBe(3)
  })

  it('refuses what is no function, and nothing at all', () => {
    expect(() => compose('auth' as never, () => 0)).toThrow('compose: invalid step 0 (string): expected a function')
    expect(() => compose()).toThrow('compose: no steps: expected a handler')
  })

  it('knows the types of a server without being told', () => {
    const handler = compose(
      (submit, { session }, next) => (submit.payloadLength > 0 && session.authenticated ? next() : 1),
      async () => 0,
    )
    expectTypeOf(handler).toBeCallableWith({} as never, {} as never)
  })
})

describe('compose in a server', () => {
  it('answers in order when all steps are synchronous', async () => {
    const log: string[] = []
    const running = await startServer({
      onSubmit: compose(
        (packet, _context, next) => {
          log.push(packet.id)
          return next()
        },
        (packet, _context, next) => (packet.payloadLength === 0 ? next() : 1),
        () => 0,
      ),
    })
    const peer = await running.connect()
    peer.send(submit(1) + submit(2, 'ab') + submit(3))
    await expectAnswers(peer, submitAck(1) + submitAck(2, 1) + submitAck(3))
    expect(log).toEqual(['00000001', '00000002', '00000003'])
  })

  it('answers 1 to the request of a middleware that breaks the rules, and to no other', async () => {
    const running = await startServer({
      onSubmit: compose(
        (packet, _context, next) => {
          if (packet.id === '00000002') return
          if (packet.id === '00000003') setImmediate(next)
          if (packet.id !== '00000004') return next()
          next()
          return next()
        },
        () => 0,
      ),
    })
    const peer = await running.connect()
    peer.send(submits(1, 4))
    await expectAnswers(peer, submitAck(1) + submitAck(2, 1) + submitAck(3) + submitAck(4, 1))
    peer.send(submits(5, 6))
    await expectAnswers(peer, submitAck(1) + submitAck(2, 1) + submitAck(3) + submitAck(4, 1) + submitAcks(5, 6))
    expect(running.errors).toEqual([code('ERR_MIDDLEWARE_NO_ANSWER'), code('ERR_MIDDLEWARE_NEXT_TWICE')])
  })
})

async function expectAnswers(peer: Peer, answers: string): Promise<void> {
  expect(await peer.receive(answers.length / 2)).toBe(answers)
}
