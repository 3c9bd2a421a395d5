/** Requests whose payload says what the handler does with them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '@demo/testkit/random'
import { submit } from '@demo/testkit/wire'
import { dial } from './dial.ts'

const ACK_LENGTH = 14
const ID_OFFSET = 5
const ID_LENGTH = 8

/** The results of all requests, and what they should have been. */
export interface ScriptedResult {
  readonly submitted: number
  /** How many must be answered with 1: one in ten. */
  readonly toFail: number
  readonly answeredOnce: number
  readonly answeredTwice: number
  /** Answers with another result than scripted. */
  readonly unexpected: number
}

/** One request in ten fails, in one of three ways; half of the others are answered later. */
export async function submitScripted(
  port: number,
  connections: number,
  requests: number,
  seed: number,
  patience: number,
): Promise<ScriptedResult> {
  const random = new Random(seed)
  const results = await Promise.all(Array.from({ length: connections }, () => one(port, requests, random, patience)))
  const sum = (name: keyof ScriptedResult) => results.reduce((total, result) => total + result[name], 0)
  return {
    submitted: sum('submitted'),
    toFail: sum('toFail'),
    answeredOnce: sum('answeredOnce'),
    answeredTwice: sum('answeredTwice'),
    unexpected: sum('unexpected'),
  }
}

async function one(port: number, requests: number, random: Random, patience: number): Promise<ScriptedResult> {
  const socket = await dial({ port })
  const outcomes = Array.from({ length: requests }, (_, i) => {
    if (i % 10 === 3) return random.pick(['throw', 'reject', 'never'])
    return random.pick(['later', ''])
  })
  const fails = (outcome: string) => outcome !== '' && outcome !== 'later'
  const answers = new Uint8Array(requests)
  let unexpected = 0
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
  })
  socket.on('error', () => {})
  socket.write(
    Buffer.from(outcomes.map((outcome, i) => submit(i + 1, Buffer.from(outcome).toString('hex'))).join(''), 'hex'),
  )
  const deadline = performance.now() + patience
  while (received.length < requests * ACK_LENGTH && performance.now() < deadline) await sleep(20)
  // Time for second answers, which must not come.
  await sleep(200)
  socket.destroy()
  for (let at = 0; at + ACK_LENGTH <= received.length; at += ACK_LENGTH) {
    const index = Number(received.toString('latin1', at + ID_OFFSET, at + ID_OFFSET + ID_LENGTH)) - 1
    answers[index] = (answers[index] ?? 0) + 1
    if (received[at + ACK_LENGTH - 1] !== (fails(outcomes[index] ?? '') ? 1 : 0)) unexpected += 1
  }
  return {
    submitted: requests,
    toFail: outcomes.filter(fails).length,
    answeredOnce: answers.filter((times) => times === 1).length,
    answeredTwice: answers.filter((times) => times > 1).length,
    unexpected,
  }
}
