// Imported by Node before the program that is measured: at SIGUSR2 it collects garbage, and tells on standard output how
// much memory is left in use, in bytes. What the process keeps can't be seen from outside.
process.on('SIGUSR2', () => {
  for (let i = 0; i < 3; i++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  process.stdout.write(`${heapUsed + external}\n`)
})
