/** Requests that say what is to become of them. */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '@demo/testkit/random'
import { submit } from '@demo/testkit/wire'

const ACK_LENGTH = 14
const ID_OFFSET = 5
const ID_LENGTH = 8

/** What becomes of all of them, and what must. */
export interface WishesResult {
  readonly submitted: number
  /** How many must be answered with 1: a tenth. */
  readonly toFail: number
  readonly answeredOnce: number
  readonly answeredTwice: number
  /** Answers other than what was wished for. */
  readonly otherwise: number
}

/** One in ten goes wrong, in one of three ways; half of the others are answered later. */
export async function submitWishes(
  port: number,
  connections: number,
  requests: number,
  seed: number,
  patience: number,
): Promise<WishesResult> {
  const random = new Random(seed)
  const results = await Promise.all(Array.from({ length: connections }, () => one(port, requests, random, patience)))
  const sum = (name: keyof WishesResult) => results.reduce((total, result) => total + result[name], 0)
  return {
    submitted: sum('submitted'),
    toFail: sum('toFail'),
    answeredOnce: sum('answeredOnce'),
    answeredTwice: sum('answeredTwice'),
    otherwise: sum('otherwise'),
  }
}

async function one(port: number, requests: number, random: Random, patience: number): Promise<WishesResult> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const wishes = Array.from({ length: requests }, (_, i) => {
    if (i % 10 === 3) return random.pick(['throw', 'reject', 'never'])
    return random.pick(['later', ''])
  })
  const fails = (wish: string) => wish !== '' && wish !== 'later'
  const answers = new Uint8Array(requests)
  let otherwise = 0
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
  })
  socket.on('error', () => {})
  socket.write(Buffer.from(wishes.map((wish, i) => submit(i + 1, Buffer.from(wish).toString('hex'))).join(''), 'hex'))
  const deadline = performance.now() + patience
  while (received.length < requests * ACK_LENGTH && performance.now() < deadline) await sleep(20)
  // A second answer would come about now.
  await sleep(200)
  socket.destroy()
  for (let at = 0; at + ACK_LENGTH <= received.length; at += ACK_LENGTH) {
    const index = Number(received.toString('latin1', at + ID_OFFSET, at + ID_OFFSET + ID_LENGTH)) - 1
    answers[index] += 1
    if (received[at + ACK_LENGTH - 1] !== (fails(wishes[index] ?? '') ? 1 : 0)) otherwise += 1
  }
  return {
    submitted: requests,
    toFail: wishes.filter(fails).length,
    answeredOnce: answers.filter((times) => times === 1).length,
    answeredTwice: answers.filter((times) => times > 1).length,
    otherwise,
  }
}
