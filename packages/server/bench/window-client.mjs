// A client that keeps a number of requests in flight on one connection for a second, and prints how many replies it got.
import { once } from 'node:events'
import { connect } from 'node:net'

const WARM_UP = 300
const MEASURED = 1000

const [port, hex = '', replyLength, inFlight] = process.argv.slice(2)
const request = Buffer.from(hex, 'hex')
const window = Buffer.concat(Array.from({ length: Number(inFlight) }, () => request))

const socket = connect({ port: Number(port), noDelay: true })
await once(socket, 'connect')

let received = 0
let answered = 0
socket.on('data', (chunk) => {
  received += chunk.length
  const replies = Math.floor(received / Number(replyLength)) - answered
  answered += replies
  if (replies > 0 && !socket.writableEnded) socket.write(window.subarray(0, replies * request.length))
})
socket.write(window)

await new Promise((resolve) => setTimeout(resolve, WARM_UP))
const [before, began] = [answered, performance.now()]
await new Promise((resolve) => setTimeout(resolve, MEASURED))
const result = { replies: answered - before, seconds: (performance.now() - began) / 1000 }
socket.end()
console.log(JSON.stringify(result))
