// Imported by Node before the measured program: at SIGUSR2 it collects garbage, and prints to standard output how many
// bytes are still in use. This cannot be measured from outside.
process.on('SIGUSR2', () => {
  for (let i = 0; i < 3; i++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  process.stdout.write(`${heapUsed + external}\n`)
})
