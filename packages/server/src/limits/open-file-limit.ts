/** Descriptors reserved for everything but connections: listeners, logs, the metrics endpoint, modules being loaded. */
const RESERVED = 64

/**
 * How many connections the process's limit of open files allows (`ulimit -n`, which Node raises to the hard limit when it
 * starts); Infinity if the system has no such limit.
 */
export function connectionsThatOpenFilesAllow(): number {
  const limit = readOpenFileLimit()
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(1, limit - RESERVED)
}

function readOpenFileLimit(): number | undefined {
  // Otherwise a report looks up the host names of all peers. @types/node does not have this property yet.
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
