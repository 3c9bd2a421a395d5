#!/usr/bin/env node
// Shows the server, the simulator, ten seconds of load, and the metrics as Prometheus sees them. The environment variables
// of the programs work here too: DEMO_SERVER_PORT=9999 npm run demo
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = (name) => fileURLToPath(new URL(`../apps/${name}/dist/main.js`, import.meta.url))
const METRICS = ['tcp_server_client_connected', 'tcp_server_req_recv_total', 'tcp_server_rsp_send_total']

const heading = (text) => console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`)

process.exitCode = await demo()

async function demo() {
  heading('the server')
  const server = spawn(process.execPath, [program('server')], { stdio: ['ignore', 'inherit', 'pipe'] })
  const stopped = once(server, 'exit')
  const listening = await firstLine(server.stderr)
  const address = readAddress(listening)
  if (address === undefined) {
    console.error(listening)
    const [status] = await stopped
    return status || 1
  }
  console.log(`demo-server listens on ${address.address}:${address.port}, its metrics on port ${address.metricsPort}`)
  try {
    return await exercise(address)
  } finally {
    server.kill('SIGTERM')
    const [status] = await stopped
    console.log(`demo-server answered what it had received and stopped, exit status ${status}`)
  }
}

/** @returns the exit status */
async function exercise({ port, metricsPort }) {
  heading('the simulator: 5 clients, 10 submits each')
  const simulated = await loadgen(['simulate', '--port', port, '--interval', '50ms'])
  if (simulated !== 0) return simulated

  heading('the load')
  const folder = mkdtempSync(join(tmpdir(), 'demo-'))
  try {
    const json = join(folder, 'run.json')
    const load = loadgen(['run', '--port', port, '--json', json])
    const underLoad = await scrapeWhile(load, metricsPort)
    const loaded = await load
    if (loaded !== 0) return loaded

    heading(`the metrics, from http://127.0.0.1:${metricsPort}/metrics`)
    const afterwards = await scrape(metricsPort)
    console.log(`${''.padEnd(28)}${'under load'.padStart(16)}${'afterwards'.padStart(16)}`)
    for (const name of METRICS) {
      console.log(`${name.padEnd(28)}${underLoad[name].padStart(16)}${afterwards[name].padStart(16)}`)
    }

    const { acks, acksPerSecond, unanswered, mismatched } = JSON.parse(readFileSync(json, 'utf8'))
    const rate = acksPerSecond.toLocaleString('en-US')
    console.log(`\n${rate} acks a second; ${acks.toLocaleString('en-US')} requests, each answered once`)
    return unanswered + mismatched
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Scrapes every half second until the work is done. @returns the last values before its end */
async function scrapeWhile(work, port) {
  const done = work.then(() => true)
  let values = await scrape(port)
  while (!(await Promise.race([done, sleep(500)]))) {
    const seen = await scrape(port)
    // The connections end before the program does.
    if (seen[METRICS[0]] !== '0') values = seen
  }
  return values
}

/** @returns the value of each of METRICS, by name */
async function scrape(port) {
  const lines = (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n')
  const value = (name) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? 'missing'
  return Object.fromEntries(METRICS.map((name) => [name, value(name)]))
}

/** Runs the load generator, which prints to our standard output. @returns its exit status */
async function loadgen(args) {
  const child = spawn(process.execPath, [program('loadgen'), ...args.map(String)], { stdio: 'inherit' })
  const [status] = await once(child, 'exit')
  return status ?? 1
}

/** The first line of a stream. The rest is discarded. */
async function firstLine(stream) {
  const lines = createInterface({ input: stream })
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(lines, 'close').then(() => ['the server printed nothing']),
  ])
  return line
}

function readAddress(line) {
  try {
    const entry = JSON.parse(line)
    return entry.msg === 'listening' ? entry : undefined
  } catch {
    return undefined
  }
}
