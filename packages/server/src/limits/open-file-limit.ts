/** Descriptors left for what is no connection: listeners, logs, the metrics endpoint, a module being loaded. */
const RESERVED = 64

/**
 * How many connections the process's limit of open files leaves room for (`ulimit -n`, which Node raises to the hard
 * limit when it starts), or Infinity where the system knows none.
 */
export function connectionsThatOpenFilesAllow(): number {
  const limit = readOpenFileLimit()
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(1, limit - RESERVED)
}

function readOpenFileLimit(): number | undefined {
  // Without it, a report looks up the names of all peers. @types/node does not know it yet.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  const { excludeNetwork = false } = report
  report.excludeNetwork = true
  try {
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
    const soft = userLimits?.open_files?.soft
    return typeof soft === 'number' ? soft : undefined
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}
