import type { ReportData } from '../src/report/report-data.ts'
import { distributionChart, failureChart, inFlightChart, latencyChart, throughputChart } from './charts.ts'
import './style.css'

const data = JSON.parse(element('data').textContent ?? '') as ReportData

const charts = [
  throughputChart(element('throughput'), data.time),
  latencyChart(element('latency'), data.time),
  distributionChart(element('distribution'), data.distribution),
  inFlightChart(element('in-flight'), data.time),
  failureChart(element('failures'), data.time),
]

// Redraws when the colours of the style sheet change. Print is always light.
for (const query of ['(prefers-color-scheme: dark)', 'print']) matchMedia(query).addEventListener('change', redraw)
addEventListener('beforeprint', () => {
  document.documentElement.classList.add('printed')
  redraw()
})
addEventListener('afterprint', () => {
  document.documentElement.classList.remove('printed')
  redraw()
})

function redraw(): void {
  for (const chart of charts) chart.redraw(false, true)
}

const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const chart = charts.find(({ root }) => root.parentElement === target)
    if (chart !== undefined && contentRect.width > 0) chart.setSize({ width: contentRect.width, height: chart.height })
  }
})
for (const { root } of charts) if (root.parentElement !== null) resized.observe(root.parentElement)

function element(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the report has no element ${id}`)
  return found
}
