// A client that keeps a number of requests in flight. It takes turns between servers, a slice of time for each, and prints
// for each round how many requests a second each of them answered.
import { once } from 'node:events'
import { connect } from 'node:net'

const ROUNDS = 60
const SLICE_MS = 100

/** @type {{ inFlight: number, targets: { port: number, request: string, replyLength: number }[] }} */
const { inFlight, targets } = JSON.parse(process.argv[2] ?? '')
const lanes = await Promise.all(targets.map(open))

for (const lane of lanes) await lane.run()
const rounds = []
for (let round = 0; round < ROUNDS; round += 1) {
  const speeds = []
  for (const lane of lanes) speeds.push(await lane.run())
  rounds.push(speeds)
}
for (const lane of lanes) lane.end()
console.log(JSON.stringify(rounds))

/** @param {{ port: number, request: string, replyLength: number }} target */
async function open({ port, request, replyLength }) {
  const one = Buffer.from(request, 'hex')
  const window = Buffer.concat(Array.from({ length: inFlight }, () => one))
  const socket = connect({ port, noDelay: true })
  await once(socket, 'connect')
  let received = 0
  let sent = 0
  let until = 0
  let done = () => {}
  socket.on('data', (chunk) => {
    const before = Math.floor(received / replyLength)
    received += chunk.length
    const replied = Math.floor(received / replyLength)
    if (performance.now() < until) {
      socket.write(window.subarray(0, (replied - before) * one.length))
      sent += replied - before
    } else if (replied === sent) done()
  })
  return {
    end: () => socket.end(),
    /** @returns {Promise<number>} */
    async run() {
      const began = performance.now()
      const before = sent
      until = began + SLICE_MS
      const finished = new Promise((resolve) => {
        done = () => resolve(undefined)
      })
      socket.write(window)
      sent += inFlight
      await finished
      return (sent - before) / ((performance.now() - began) / 1000)
    },
  }
}
