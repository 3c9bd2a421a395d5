import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { CHROMIUM, CHROMIUM_NEEDED, openFile } from './browser.ts'
import { type RunJson, readJson, startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

const TIMEOUT = 60_000

/** Long enough for several slices of time. */
const LOAD = ['--warmup', '100ms', '--duration', '700ms', '--connections', 4] as const

interface Report {
  readonly file: string
  readonly json: RunJson
}

/** Makes load, and a report of it. */
async function makeReport(port: number, args: readonly (string | number)[]): Promise<Report> {
  const file = join(temporaryFolder(), 'report.html')
  const program = startLoadgen(['--port', port, '--json', '-', '--html', file, ...args])
  await program.exit()
  return { file, json: readJson(program) }
}

async function reportOfDemoServer(args: readonly (string | number)[] = [...LOAD, '--window', 10]): Promise<Report> {
  const { port } = await startDemoServer()
  return makeReport(port, args)
}

/** What the legend of a chart tells, once the mouse is over the middle of the chart: `p50: 2 ms`, `p99: 5 ms`. */
async function hover(page: Page, chart: string): Promise<string> {
  await page.locator(`#${chart} .u-over`).hover()
  return legend(page, chart)
}

async function legend(page: Page, chart: string): Promise<string> {
  const texts = (part: string) => page.locator(`#${chart} .u-legend ${part}`).allTextContents()
  const [names, values] = [await texts('.u-label'), await texts('.u-value')]
  return names.map((name, i) => `${name}: ${values[i]}`).join(', ')
}

const textOf = async (page: Page, part: string) => (await page.locator(part).textContent()) ?? ''

/** The value of a row of a table of facts. */
const fact = (page: Page, name: string) =>
  page
    .locator('.facts tr', { has: page.getByRole('rowheader', { name, exact: true }) })
    .locator('td')
    .textContent()

/** The value of one of the figures at the top. */
const tile = (page: Page, name: string) =>
  page
    .locator('.tile', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) })
    .locator('dd')
    .textContent()

const color = (page: Page, part: string) => page.evaluate(`getComputedStyle(document.querySelector('${part}')).color`)

/** How many points of a chart have a colour, or almost. */
const pixels = (page: Page, chart: string, [red, green, blue]: readonly number[]) =>
  page.evaluate<number>(`{
    const canvas = document.querySelector('#${chart} canvas')
    // What is not painted is as white as the card.
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')
    copy.fillStyle = 'white'
    copy.fillRect(0, 0, canvas.width, canvas.height)
    copy.drawImage(canvas, 0, 0)
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
    let found = 0
    for (let i = 0; i < data.length; i += 4) {
      if (Math.hypot(data[i] - ${red}, data[i + 1] - ${green}, data[i + 2] - ${blue}) < 12) found += 1
    }
    found
  }`)

/** Keeps what is written into each chart at each height, however often it is drawn. */
const RECORD_TEXTS = `{
  const write = CanvasRenderingContext2D.prototype.fillText
  window.drawnTexts = {}
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    const { id } = this.canvas.closest('.chart') ?? {}
    if (id !== undefined) (window.drawnTexts[id] ??= new Map()).set(text + ' at ' + rest[1], text)
    return write.call(this, text, ...rest)
  }
}`

/** Of the page's body, as the browser computes it. */
const background = (page: Page) => page.evaluate('getComputedStyle(document.body).backgroundColor')

describe.skipIf(CHROMIUM === undefined)(`the HTML report${CHROMIUM_NEEDED}`, { timeout: TIMEOUT }, () => {
  it('tells in words and tables what the JSON tells', async () => {
    const { file, json } = await reportOfDemoServer([
      ...[...LOAD, '--window', 10, '--repeat', 2],
      ...['--threshold', 'p99<1us', '--threshold', 'errors==0'],
    ])
    const { page } = await openFile(file)
    expect(await page.title()).toMatch(/^[\d.,]+ [kM]? ?acks\/s, p99 .* · demo-loadgen$/)
    const text = await textOf(page, 'body')
    const acks = json.acks.toLocaleString('en-US')
    expect(text).toContain(`127.0.0.1:${json.options['port']}`)
    expect(text).toContain(`Clean. Each of ${acks} requests was answered once, with success.`)
    expect(text).toMatch(/Crossed: p99<1us, it is [\d.]+ (ms|µs)/)
    expect(text).toContain('Passed: errors==0, it is 0')
    expect(await fact(page, 'Acks')).toBe(acks)
    expect(await fact(page, 'node')).toBe(process.version)
    expect(await fact(page, 'window')).toBe('10')
    expect(await fact(page, 'duration')).toBe('700ms')
    expect(text).toMatch(/[12], shown here/)
    await page.locator('summary').click()
    expect(await page.locator('.slices tbody tr').count()).toBe(json.slices.length)
    expect(json.slices.length).toBeGreaterThan(3)
  })

  it('draws charts that tell their values where the mouse is, all over time together', async () => {
    const { file, json } = await reportOfDemoServer()
    const { page } = await openFile(file)
    expect(await legend(page, 'throughput')).toBe('Time: –, Acks/s: –')
    expect(await hover(page, 'throughput')).toMatch(/^Time: 0\.\d+ s, Acks\/s: [\d.,]+( [kM])?$/)
    expect(await legend(page, 'latency')).toMatch(
      /^Time: 0\.\d+ s, p50: [\d.,]+ (ms|µs), p99: .*, p99\.9: .*, Max: [\d.,]+ (ms|µs)$/,
    )
    expect(await hover(page, 'distribution')).toMatch(/^Percentile: 99[\d.]* %, Response time: [\d.,]+ (ms|µs)$/)
    expect(await hover(page, 'in-flight')).toMatch(/In flight: \d+$/)

    // The chart's value is that of the slice that the mouse is at.
    const told = await hover(page, 'latency')
    const seconds = Number(/Time: ([\d.]+) s/.exec(told)?.[1])
    const slice = json.slices.find((one) => seconds >= one.atSeconds && seconds < one.atSeconds + one.seconds)
    const p50 = Number(/p50: ([\d.]+) (ms|µs)/.exec(told)?.[1]) * (told.includes('µs, p99') ? 1e-3 : 1)
    expect(Math.abs(p50 / (slice?.p50 ?? 0) - 1)).toBeLessThan(0.01)
  })

  it('shows response time and service time in the open model, and the rate that was offered', async () => {
    const { file, json } = await reportOfDemoServer([...LOAD, '--rate', 2000])
    const { page } = await openFile(file)
    expect(json.offeredRate).toBe(2000)
    expect(await hover(page, 'throughput')).toMatch(/Offered: 2,000$/)
    expect(await hover(page, 'distribution')).toMatch(/Response time: .*, Service time: /)
    const text = await textOf(page, 'body')
    expect(text).toContain('open model: 2,000 requests a second')
    expect(text).toContain('Service time, from when it was really sent')
    expect(text).toContain('Schedule lag')
  })

  it('asks the network for nothing, and its policy would not let it', async () => {
    const { file } = await reportOfDemoServer()
    const { page, misdeeds } = await openFile(file)
    await hover(page, 'throughput')
    expect(misdeeds).toEqual({ complaints: [], requests: [] })
    expect(readFileSync(file, 'utf8')).not.toMatch(/(src|href)="|@import|url\(/)

    const fetched = await page.evaluate(
      "fetch('https://example.invalid/').then(() => 'fetched', (error) => error.message)",
    )
    expect(fetched).toMatch(/fetch/i)
    expect(misdeeds.complaints.join()).toMatch(/Content Security Policy/)
    const ran = await page.evaluate(`{
      const script = document.createElement('script')
      script.textContent = 'document.title = "hijacked"'
      document.body.append(script)
      document.title
    }`)
    expect(ran).not.toBe('hijacked')
  })

  it('is light or dark as the reader likes, and follows when that changes', async () => {
    const { file } = await reportOfDemoServer()
    const light = (await openFile(file, { colorScheme: 'light' })).page
    const dark = (await openFile(file, { colorScheme: 'dark' })).page
    expect(await background(light)).toBe('rgb(246, 247, 249)')
    expect(await background(dark)).toBe('rgb(16, 21, 28)')

    const chart = (page: Page) => page.evaluate("document.querySelector('#latency canvas').toDataURL()")
    const drawn = await chart(light)
    await light.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(() => chart(light)).not.toBe(drawn)
    expect(await chart(light)).toBe(await chart(dark))
  })

  it('fits a telephone, with the latencies', async () => {
    const { file } = await reportOfDemoServer([...LOAD, '--rate', 500, '--percentiles', '50,99.999'])
    const { page } = await openFile(file, { viewport: { width: 390, height: 800 } })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    const table = "document.querySelector('.latencies')"
    expect(await page.evaluate<number>(`${table}.scrollWidth - ${table}.clientWidth`)).toBe(0)
  })

  it('tells what went wrong', async () => {
    const port = await startOddServer(answering((id) => `0000000e82${id}01`))
    const { file } = await makeReport(port, ['--warmup', 0, '--duration', '500ms', '--connections', 2, '--window', 3])
    const { page, misdeeds } = await openFile(file)
    const text = await textOf(page, '.verdict')
    expect(text).toMatch(/The run failed\. [\d,]+ requests were answered with a result other than 0/)
    expect(text).not.toContain('Clean')
    expect(await textOf(page, '.tile.bad')).toMatch(/^Failed[\d,]+$/)
    expect(await textOf(page, '#troubles-title + figure figcaption')).toMatch(/^Failed [\d,]+$/)
    expect(await hover(page, 'troubles')).toMatch(
      /Failed: [\d,.]+( k)?, Late: 0, Connections lost: 0, Connections down: 0$/,
    )
    expect(misdeeds.complaints).toEqual([])
  })

  it('can be made of a run without a single answer', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const load = ['--warmup', 0, '--amount', 5, '--connections', 1, '--window', 5, '--timeout', '300ms']
    const { file } = await makeReport(port, load)
    const { page, misdeeds } = await openFile(file)
    expect(await textOf(page, '.verdict')).toContain('5 requests were sent and never answered')
    expect(misdeeds.complaints).toEqual([])
  })

  it('has a dash and not 0 where nothing was answered, and says in red what happened', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const load = ['--warmup', 0, '--duration', '300ms', '--connections', 1, '--window', 5, '--timeout', '300ms']
    const { file, json } = await makeReport(port, [...load, '--percentiles', '50,95'])
    expect(json.latencyMs).toEqual({ min: null, mean: null, p50: null, p90: null, p99: null, p999: null, max: null })
    const { page, misdeeds } = await openFile(file)
    expect(await page.title()).toContain('p99 –')
    expect(await tile(page, 'p50')).toBe('–')
    expect(await tile(page, 'p95')).toBe('–')
    expect(await tile(page, 'Max')).toBe('–')
    expect(await tile(page, 'Timed out: overdue')).toBe('5')
    expect(await color(page, '.tile.bad dd')).toBe('rgb(179, 38, 30)')
    expect(await textOf(page, '.latencies')).not.toMatch(/\d (ms|µs|s)/)
    expect(await textOf(page, 'main')).not.toContain('null')
    expect(misdeeds.complaints).toEqual([])
  })

  it('marks the times in which connections were lost', async () => {
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      if (connections === 1) setTimeout(() => socket.destroy(), 300)
      answering((id) => `0000000e82${id}00`)(socket)
    })
    const load = ['--warmup', 0, '--duration', '1s', '--connections', 1, '--window', 2]
    const { file, json } = await makeReport(port, load)
    expect(json.errors).toBe(1)
    const { page, misdeeds } = await openFile(file)
    expect(await tile(page, 'Connections lost')).toBe('1')
    expect(await tile(page, 'Outage')).toMatch(/^[\d.]+ (ms|s)$/)
    expect(await textOf(page, '#throughput-title + figure figcaption')).toContain(
      'In the marked times connections were lost',
    )
    expect(await pixels(page, 'latency', [0xf6, 0xe2, 0xe1])).toBeGreaterThan(50)
    expect(misdeeds.complaints).toEqual([])
  })

  it('draws a point that stands alone, shows rates below 1 a second, and counts requests in whole numbers', async () => {
    const { port } = await startDemoServer()
    const load = ['--warmup', 0, '--rate', '90/m', '--duration', '3s', '--connections', 1]
    const { file, json } = await makeReport(port, load)
    // Each answer has a slice of its own, and there is nothing beside it.
    const answered = json.slices.map(({ acks }) => acks > 0)
    expect(answered.some((one, i) => one && !answered[i - 1] && !answered[i + 1])).toBe(true)
    const { page, misdeeds } = await openFile(file, { script: RECORD_TEXTS })
    // Of one answer all percentiles are the same: what is drawn last is on top.
    expect(await pixels(page, 'latency', [0x86, 0x19, 0x8f])).toBeGreaterThan(5)
    expect(await tile(page, 'Offered')).toMatch(/^1\.\d+\/s$/)
    const texts = await page.evaluate<string[]>("[...window.drawnTexts['in-flight'].values()]")
    const ticks = texts.filter((text) => /^[\d.,]+$/.test(text))
    expect(ticks.length).toBeGreaterThan(1)
    expect(ticks.filter((text) => text.includes('.'))).toEqual([])
    expect(new Set(ticks).size).toBe(ticks.length)
    expect(misdeeds.complaints).toEqual([])
  })

  it('is light on paper, charts too, though the screen is dark', async () => {
    const { file } = await reportOfDemoServer()
    const light = (await openFile(file, { colorScheme: 'light' })).page
    const dark = (await openFile(file, { colorScheme: 'dark' })).page
    const chart = (page: Page) => page.evaluate("document.querySelector('#latency canvas').toDataURL()")
    await light.emulateMedia({ media: 'print', colorScheme: 'light' })
    await dark.emulateMedia({ media: 'print', colorScheme: 'dark' })
    expect(await background(dark)).toBe('rgb(246, 247, 249)')
    await expect.poll(() => chart(dark)).toBe(await chart(light))
    expect(await color(dark, '#latency .u-legend .u-marker')).toBe(await color(light, '#latency .u-legend .u-marker'))

    // A browser that prints for real says so to the page before it changes the medium.
    await dark.emulateMedia({ media: 'screen', colorScheme: 'dark' })
    await expect.poll(() => background(dark)).toBe('rgb(16, 21, 28)')
    await dark.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(await background(dark)).toBe('rgb(246, 247, 249)')
    await dark.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(await background(dark)).toBe('rgb(16, 21, 28)')
  })

  it('says that the run was interrupted', async () => {
    const { port } = await startDemoServer()
    const html = join(temporaryFolder(), 'report.html')
    const load = ['--warmup', 0, '--duration', '10m', '--connections', 2, '--window', 5]
    const program = startLoadgen(['--port', port, ...load, '--html', html])
    await program.until('the load to begin', () => program.stderrLines.find((line) => line.includes('load')))
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    const { page } = await openFile(html)
    expect(await page.title()).toMatch(/^Interrupted: /)
    expect(await textOf(page, '.verdict')).toMatch(/Interrupted\. SIGINT, after [\d.]+ s: not the whole run/)
    expect(await tile(page, 'Duration, interrupted')).toMatch(/ s$/)
  })

  it('shows whatever was typed as text: nothing in it is taken for markup', async () => {
    const folder = temporaryFolder()
    const evil = `</script><img src=x onerror='document.title="hijacked"'>&amp;"`
    const payloads = join(folder, evil.replaceAll('/', '∕'))
    writeFileSync(payloads, 'hello\n')
    const { file } = await reportOfDemoServer([...LOAD, '--window', 10, '--payload-file', payloads])
    const { page, misdeeds } = await openFile(file)
    expect(await fact(page, 'payloadFile')).toBe(payloads)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toContain('demo-loadgen')
    expect(misdeeds).toEqual({ complaints: [], requests: [] })
  })
})
