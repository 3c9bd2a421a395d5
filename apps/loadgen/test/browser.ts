import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where Chromium is; undefined where it is not. */
export const CHROMIUM = PROGRAMS.find((program) => existsSync(program))

/** What is said of tests that need it. */
export const CHROMIUM_NEEDED = CHROMIUM === undefined ? ' (skipped: Chromium is not installed)' : ''

/** What a page did that a report must not do. */
export interface Misdeeds {
  /** What the console and the page itself complained of. */
  readonly complaints: string[]
  /** What it asked the network for, but for itself. */
  readonly requests: string[]
}

/** Headless, and quiet on the network. It is gone when the test is. */
async function startBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
  onTestFinished(() => browser.close())
  return browser
}

/** Opens a file in a real browser. A script is run before those of the page. */
export async function openFile(
  file: string,
  { script = '', ...options }: BrowserContextOptions & { readonly script?: string } = {},
): Promise<{ page: Page; misdeeds: Misdeeds }> {
  const browser = await startBrowser()
  const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, ...options })
  const misdeeds: Misdeeds = { complaints: [], requests: [] }
  page.on('console', (message) => misdeeds.complaints.push(message.text()))
  page.on('pageerror', (error) => misdeeds.complaints.push(error.message))
  const url = pathToFileURL(file).href
  page.on('request', (request) => {
    if (request.url() !== url) misdeeds.requests.push(request.url())
  })
  await page.addInitScript(script)
  await page.goto(url)
  return { page, misdeeds }
}
