/**
 * Draws docs/images/report.png: the upper part of the report of a run whose server stalls once. Run it when the look of the
 * report changes; it is not part of the tests.
 *
 *     tsx apps/loadgen/bench/report-image.ts
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { startNode } from '../../server/bench/peers.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
/** The visible part: down to the second chart. */
const SIZE = { width: 1180, height: 1150 }

const folder = mkdtempSync(join(tmpdir(), 'report-image-'))
const server = await startNode(path('../../server/dist/main.js'), ['--port', '0', '--metrics-port', '0'])
const stalling = stallOnce(server.pid)
try {
  const html = join(folder, 'report.html')
  const load = ['--port', String(server.port), '--rate', '50k', '--connections', '20', '--duration', '10s']
  const judged = ['--threshold', 'p99<500ms', '--threshold', 'errors==0']
  spawnSync(process.execPath, [path('../dist/main.js'), ...load, ...judged, '--html', html], { stdio: 'inherit' })
  await picture(html, path('../../../docs/images/report.png'))
} finally {
  stalling.kill()
  await server.stop()
  rmSync(folder, { recursive: true })
}

/** In the middle of the load, for 200 ms. In a separate process, because this one waits for the load. */
function stallOnce(pid: number) {
  const script = `sleep 7; kill -STOP ${pid}; sleep 0.2; kill -CONT ${pid}`
  return spawn('sh', ['-c', script], { stdio: 'ignore' })
}

async function picture(html: string, file: string): Promise<void> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
  const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: 1 })
  await page.goto(pathToFileURL(html).href)
  const chart = page.locator('#latency .u-over')
  const { width, height } = (await chart.boundingBox()) ?? SIZE
  await chart.hover({ position: { x: width * 0.507, y: height / 2 } })
  await sleep(100)
  await page.screenshot({ path: file })
  await browser.close()
}
